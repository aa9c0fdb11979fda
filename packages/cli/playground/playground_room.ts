import type { Room, RoomMessage } from "../../client/mod.ts";

/** What the playground says. */
export interface Said {
  readonly chat: { readonly text: string };
}

/** What it may hear: anything, since others come with wscat or a program of their own. */
export type Heard = Record<string, unknown>;

/** A message that was heard. */
export type HeardMessage = RoomMessage<Heard>;

/** The room that is visited. */
export type PlaygroundRoom = Room<Said, Heard>;

/** What a part of the page shows, and for how long: until the signal is aborted. */
export interface Visited {
  readonly room: PlaygroundRoom;
  readonly signal: AbortSignal;
}
