import type { Room, RoomMessage } from "../../client/mod.ts";

/** Events with any names and data: an endpoint has its own, and other members may use wscat. */
export type AnyEvents = Record<string, unknown>;

/** Message of any event. */
export type ReceivedMessage = RoomMessage<AnyEvents>;

/** Event and data of a message. */
export type Content = Pick<ReceivedMessage, "event" | "data">;

/** Room as the playground uses it. */
export type PlaygroundRoom = Room<AnyEvents, AnyEvents>;

/** Room that a part of the page shows, until the signal is aborted. */
export interface RoomContext {
  readonly room: PlaygroundRoom;
  readonly signal: AbortSignal;
}
