import type { RoomError } from "./errors.ts";
import type { Message, Position, PresenceMember, Recipient, UpdatedMember } from "../protocol/frames.ts";
import type { ClientFrame, LeftMember, ServerFrame } from "../protocol/frames.ts";
import type { LiveState, RoomState } from "./state.ts";

/** What data each event has, by its name: `RoomEvents<typeof tables>` gives it from the server's schemas. */
// An object type's own: an interface without an index signature is one too.
export type EventTypes = object;

/** Names of events. */
export type EventName<Events extends EventTypes> = keyof Events & string;

/** A message; `event` tells the type of `data`. */
export type RoomMessage<Events extends EventTypes> = {
  readonly [Name in EventName<Events>]: Omit<Message, "event" | "data"> & {
    readonly event: Name;
    readonly data: Events[Name];
  };
}[EventName<Events>];

/** What is kept of a room's messages, a page of it, in the order of offsets. */
export interface HistoryPage<Events extends EventTypes> {
  readonly messages: readonly RoomMessage<Events>[];
  /** Whether there are more in that direction. */
  readonly more: boolean;
}

/** Which page: the first after an offset, or the last before one. */
export type PageQuery =
  | { readonly after: number; readonly before?: never; readonly limit?: number | undefined }
  | { readonly before: number; readonly after?: never; readonly limit?: number | undefined };

/** Messages that were missed and cannot be had any more. `to` is null when the history is another one now. */
export interface Gap {
  readonly from: number;
  readonly to: number | null;
  readonly epoch: string;
}

/** Who is there, and what is different from before. */
export interface PresenceChange {
  readonly members: readonly PresenceMember[];
  readonly joined: readonly PresenceMember[];
  readonly updated: readonly UpdatedMember[];
  readonly left: readonly LeftMember[];
}

/** A frame that went over the wire; tokens are left out. */
export interface FrameSeen {
  readonly direction: "in" | "out";
  readonly frame: ServerFrame | ClientFrame;
}

/** A message of an earlier page load that could not be delivered: nobody holds its promise any more. */
export interface Undelivered {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
  readonly error: RoomError;
}

/** What can be listened to. */
export interface RoomListeners<Events extends EventTypes> {
  /** Every message, one's own too, in the order of offsets, each once. */
  readonly message: RoomMessage<Events>;
  readonly state: RoomState;
  readonly presence: PresenceChange;
  readonly gap: Gap;
  /** What went wrong and belongs to no promise. */
  readonly error: RoomError;
  readonly undelivered: Undelivered;
  /** For looking on: the playground lists these. */
  readonly frame: FrameSeen;
}

/** Who is in the room. */
export interface Presence {
  /** One entry a connection, as last known, in no particular order. */
  readonly members: readonly PresenceMember[];
  /** The same by user: who has three tabs open is there once. */
  readonly users: ReadonlyMap<string, readonly PresenceMember[]>;
  /**
   * Enters, or changes the state; stays so over reconnects until `leave()`. Resolves when the server has taken it.
   * @throws {RoomError} `forbidden`, `invalid_frame` naming `state`, `closed`
   */
  enter(state: Readonly<Record<string, unknown>>): Promise<void>;
  /** Leaves. @throws {RoomError} as `enter` */
  leave(): Promise<void>;
}

/**
 * A room, and the connection to it, which mends itself. `Published` says what may be sent, `Received` what arrives.
 * docs/client.md has every state, event and error.
 */
export interface Room<Published extends EventTypes, Received extends EventTypes = Published>
  extends AsyncDisposable, AsyncIterable<RoomMessage<Received>> {
  /** The room's address, without query. */
  readonly url: string;
  readonly state: RoomState;
  /** Up to where messages were received; null before the first connection. With it, `resume` goes on later. */
  readonly position: Position | null;
  readonly presence: Presence;
  /** Messages that wait for their ack. */
  readonly pending: number;

  /** Begins, or begins again after `closed`, from the same position. Nothing happens when it has begun. */
  open(): void;
  /**
   * Closes with 1000: leaves presence at once (one that is just connecting: after the server's grace), and what waits is rejected with `closed`. The state is `closed` when this returns; the promise
   * resolves when the connection has ended and a kept outbox is written.
   */
  close(): Promise<void>;
  /** Drops the connection and resumes on a new one, for instance after the user changed. */
  reconnect(): void;
  /** Resolves when the room is live. @throws {RoomError} the reason, when it is closed first */
  live(): Promise<LiveState>;
  /** Asks the token callback now and hands the token to the server without reconnecting. @throws {RoomError} */
  refreshToken(): Promise<void>;

  /**
   * Publishes, and resolves with the message's offset when it is stored. While there is no connection it waits; it is sent again
   * under the same id until it is acked, and stored once.
   * @throws {RoomError} the server's code, such as `forbidden` or `invalid_frame` with the `field`; `outbox_full`, `closed`, `outcome_unknown`
   */
  publish<Name extends EventName<Published>>(
    event: Name,
    data: Published[Name],
    options?: PublishOptions,
  ): Promise<number>;
  /**
   * Sends to who is there now: not stored, no offset, dropped first for slow readers. Resolves when the server has taken it.
   * @throws {RoomError} `offline` when there is no connection or it breaks: nothing is sent again
   */
  emit<Name extends EventName<Published>>(
    event: Name,
    data: Published[Name],
    options?: EmitOptions,
  ): Promise<void>;
  /** Reads a page of history; waits for a connection if there is none. @throws {RoomError} `forbidden`, `closed`, … */
  history(page: PageQuery): Promise<HistoryPage<Received>>;

  /** Listens; what it returns ends that. */
  on<Kind extends keyof RoomListeners<Received>>(
    kind: Kind,
    listener: (value: RoomListeners<Received>[Kind]) => void,
  ): () => void;
  /** Listens to messages of one event; what it returns ends that. */
  onMessage<Name extends EventName<Received>>(
    event: Name,
    listener: (message: RoomMessage<Pick<Received, Name>>) => void,
  ): () => void;
}

/** How a message is published. */
export interface PublishOptions {
  /** 1 to 64 characters; the same id again is the same message. Default: a random one. */
  readonly id?: string | undefined;
}

/** How an ephemeral message is sent. */
export interface EmitOptions {
  /** Only to these. Default: everybody. */
  readonly to?: Recipient | undefined;
}
