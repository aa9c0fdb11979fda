import type { Direction, PerDirection } from "./direction.ts";
import type { MessageMatch } from "./seen_message.ts";

export type { Direction } from "./direction.ts";

/** Way of a cut: a TCP reset, or the ordinary end of a TCP stream; never a close frame. */
export type CutWay = "reset" | "fin";

/** A position in the bytes of one direction. */
export interface Place {
  readonly direction: Direction;
  /** Bytes before the place, heads included: of the message, else since the upgrade request. */
  readonly bytes: number;
  readonly message?: MessageMatch;
}

/** A time in which the proxy receives bytes and forwards none, unnoticed by both peers. */
export interface Hold {
  /** Place that starts the hold; the beginning of the connection by default. */
  readonly from?: Place;
  /** Only this direction; both by default. */
  readonly direction?: Direction;
  /** Duration; without an end by default. */
  readonly ms?: number;
  /** End of the hold: `release` (default) forwards the held bytes, `cut` loses them. */
  readonly then?: "release" | "cut";
}

/** Faults of one connection. */
export interface Faults {
  /** Place of the cut; it ends both sides. */
  readonly cut?: Place;
  /** `reset` by default; `cut(way)` overrides it. */
  readonly cutWay?: CutWay;
  readonly hold?: Hold;
  /** Delay of each chunk; the order stays. */
  readonly delayMs?: PerDirection;
  /** Limit for reading, which fills the kernel buffers of the sender. */
  readonly bytesPerSecond?: PerDirection;
  /** Closes the connection after its request; the server never receives the request. */
  readonly refuse?: boolean;
}

/** Place behind so many bytes since the upgrade request, HTTP heads included. */
export function afterBytes(direction: Direction, bytes: number): Place {
  return { direction, bytes };
}

/** Place before the first byte of a message; a number means the n-th message. */
export function before(direction: Direction, message: number | MessageMatch): Place {
  return within(direction, message, 0);
}

/** Place within a message, behind so many of its bytes, frame heads included. */
export function within(direction: Direction, message: number | MessageMatch, bytes: number): Place {
  return { direction, bytes, message: typeof message === "number" ? { nth: message } : message };
}

/** Place behind the last byte of a message. */
export function after(direction: Direction, message: number | MessageMatch): Place {
  return within(direction, message, Number.MAX_SAFE_INTEGER);
}

/** Place before an `ack` to the client: the server stored the message, the client cannot know. */
export function lostAck(id?: string, nth: number = 1): Place {
  return before("toClient", { type: "ack", nth, ...(id === undefined ? {} : { id }) });
}
