/** Serializer of a socket: the `vsn` of its address. */
export type Version = "1.0.0" | "2.0.0";

/** Fields of every frame of a client. */
interface Addressed {
  /** Reference of the join that the channel began with. */
  readonly joinRef: string | null;
  /** Reference that the answer carries. */
  readonly ref: string | null;
  readonly topic: string;
}

/** A frame of a client that is no broadcast. */
export interface Push extends Addressed {
  readonly kind: "push";
  readonly event: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** A broadcast, from text or bytes. */
export interface BroadcastPush extends Addressed {
  readonly kind: "broadcast";
  /** Name that the application gave it. */
  readonly event: string;
  /** JSON text, or bytes. */
  readonly data: string | Uint8Array;
  readonly persist: boolean;
}

/** A frame that cannot be read: it is logged and dropped, and the socket stays open. */
export interface Unreadable {
  readonly kind: "unreadable";
  /** Never quotes the frame. */
  readonly problem: string;
}

/** Any frame of a client. */
export type ClientFrame = Push | BroadcastPush | Unreadable;

/** Makes the answer to a frame that cannot be read. */
export function unreadable(problem: string): Unreadable {
  return { kind: "unreadable", problem };
}
