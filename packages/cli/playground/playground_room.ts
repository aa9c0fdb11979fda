import type { Room, RoomMessage } from "../../client/mod.ts";

/** Events that the playground publishes. */
export interface SentEvents {
  readonly chat: { readonly text: string };
}

/** Events that it may receive: any, since other members may use wscat or their own program. */
export type ReceivedEvents = Record<string, unknown>;

/** Message of any event. */
export type ReceivedMessage = RoomMessage<ReceivedEvents>;

/** Room as the playground uses it. */
export type PlaygroundRoom = Room<SentEvents, ReceivedEvents>;

/** Room that a part of the page shows, until the signal is aborted. */
export interface RoomContext {
  readonly room: PlaygroundRoom;
  readonly signal: AbortSignal;
}
