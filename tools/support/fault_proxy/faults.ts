import type { SeenMessage } from "./seen_message.ts";

/** Which way bytes go. */
export type Direction = "toClient" | "toServer";

export const DIRECTIONS: readonly Direction[] = ["toClient", "toServer"];

/** One number for both directions, or one for some of them. */
export type PerDirection = number | { readonly [D in Direction]?: number };

/** How a connection is broken off: with a TCP reset, or with the ordinary end of a TCP stream. Never with a close frame. */
export type CutWay = "reset" | "fin";

/** Which messages are meant: all conditions hold. Text and binary messages only, unless `opcode` says otherwise. */
export interface MessageMatch {
  /** The how many-th of those that fit, from 1, which is the default. */
  readonly nth?: number;
  /** `type` of a JSON frame in it; the message may be an array of frames. */
  readonly type?: string;
  /** `id` of that same frame. */
  readonly id?: string;
  /** A WebSocket opcode, such as 8 for a close frame. */
  readonly opcode?: number;
  readonly matches?: (message: SeenMessage) => boolean;
}

/** A place in what a connection carries in one direction. */
export interface Place {
  readonly direction: Direction;
  /** Bytes before the place: of the message, frame heads included, or else of all since the upgrade request. */
  readonly bytes: number;
  readonly message?: MessageMatch;
}

/** A time in which bytes are taken and go nowhere, and nobody is told. */
export interface Hold {
  /** When that place is reached; from the beginning by default. */
  readonly from?: Place;
  /** Only this direction; both by default. */
  readonly direction?: Direction;
  /** How long; for good by default. */
  readonly ms?: number;
  /** What comes after `ms`: everything goes on (the default), or the connection is cut and what was taken is lost. */
  readonly then?: "release" | "cut";
}

/** What goes wrong with one connection. */
export interface Faults {
  /** Where it is broken off, on both sides. */
  readonly cut?: Place;
  /** `reset` by default; holds for every cut of this connection that does not say another. */
  readonly cutWay?: CutWay;
  readonly hold?: Hold;
  /** How long each chunk is kept back; the order stays. */
  readonly delayMs?: PerDirection;
  /** How fast the proxy reads what goes in a direction, so that the sender's kernel buffers fill. */
  readonly bytesPerSecond?: PerDirection;
  /** Closed when its request has been read, without an answer; the server is not asked. */
  readonly refuse?: boolean;
}

/** After so many bytes since the upgrade request, HTTP heads included. */
export function afterBytes(direction: Direction, bytes: number): Place {
  return { direction, bytes };
}

/** Just before a message goes on: nothing of it does. A number says the how many-th. */
export function before(direction: Direction, message: number | MessageMatch): Place {
  return within(direction, message, 0);
}

/** In the middle of a message, when so many of its bytes have gone on, frame heads included. */
export function within(direction: Direction, message: number | MessageMatch, bytes: number): Place {
  return { direction, bytes, message: typeof message === "number" ? { nth: message } : message };
}

/** Just after the whole of a message has gone on. */
export function after(direction: Direction, message: number | MessageMatch): Place {
  return within(direction, message, Number.MAX_SAFE_INTEGER);
}

/** Where an `ack` would go on to the client: cut there, and the server has done what the client hears nothing of. */
export function lostAck(id?: string, nth: number = 1): Place {
  return before("toClient", { type: "ack", nth, ...(id === undefined ? {} : { id }) });
}

/** What a direction is given, if anything. */
export function inDirection(value: PerDirection | undefined, direction: Direction): number | undefined {
  return typeof value === "number" ? value : value?.[direction];
}
