import type { Message, Position, PresenceMember, Recipient, UpdatedMember } from "../protocol/frames.ts";
import type { ClientFrame, LeftMember, ServerFrame } from "../protocol/frames.ts";
import type { RoomError } from "./errors.ts";
import type { LiveState, RoomState } from "./state.ts";

/**
 * Data types of events, by name. `RoomEvents<typeof tables>` derives them from the server's
 * schemas.
 */
// `object`, so that an interface without an index signature fits.
export type EventTypes = object;

/**
 * Input and output of calls, by method. `RoomCalls<typeof tables>` derives them from the server's
 * schemas.
 */
export type CallTypes = object;

/** Input of a method. */
// Indexed, not inferred: of a mapped type the compiler would infer nothing.
export type CallInput<Call> = Call extends { readonly input: unknown } ? Call["input"] : never;
/** Output of a method. */
export type CallOutput<Call> = Call extends { readonly output: unknown } ? Call["output"] : never;

/** The data of a call: may be left out where the method takes none. */
export type CallArguments<Input> = [undefined] extends [Input] ? [data?: Input] : [data: Input];

/** Any method with any data. */
export type AnyCalls = Readonly<Record<string, { readonly input: unknown; readonly output: unknown }>>;

/** Names of events. */
export type EventName<Events extends EventTypes> = keyof Events & string;

/** A message; `event` determines the type of `data`. */
export type RoomMessage<Events extends EventTypes> = {
  readonly [Name in EventName<Events>]: Omit<Message, "event" | "data"> & {
    readonly event: Name;
    readonly data: Events[Name];
  };
}[EventName<Events>];

/** A page of the retained messages, in the order of offsets. */
export interface HistoryPage<Events extends EventTypes> {
  readonly messages: readonly RoomMessage<Events>[];
  /** True if there are more in that direction. */
  readonly more: boolean;
}

/** Selects a page: the first after an offset, or the last before one. */
export type PageQuery =
  | { readonly after: number; readonly before?: never; readonly limit?: number | undefined }
  | { readonly before: number; readonly after?: never; readonly limit?: number | undefined };

/** Messages that are lost for good. `to` is null if a new history has replaced the old one. */
export interface Gap {
  readonly from: number;
  readonly to: number | null;
  readonly epoch: string;
}

/** Presence after a change, with the diff. */
export interface PresenceChange {
  readonly members: readonly PresenceMember[];
  readonly joined: readonly PresenceMember[];
  readonly updated: readonly UpdatedMember[];
  readonly left: readonly LeftMember[];
}

/** A sent or received frame, without tokens. */
export interface FrameSeen {
  readonly direction: "in" | "out";
  readonly frame: ServerFrame | ClientFrame;
}

/** A refused message of an earlier page load, whose promise no longer exists. */
export interface Undelivered {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
  readonly error: RoomError;
}

/** Events of a room, with the type of their value. */
export interface RoomListeners<Events extends EventTypes> {
  /** Every message once, in the order of offsets; own ones too, unless excluded. */
  readonly message: RoomMessage<Events>;
  readonly state: RoomState;
  readonly presence: PresenceChange;
  readonly gap: Gap;
  /** Errors that no promise reports. */
  readonly error: RoomError;
  readonly undelivered: Undelivered;
  /** Every frame, for debugging; the playground lists them. */
  readonly frame: FrameSeen;
}

/** Presence of a room. */
export interface Presence {
  /** One entry per connection, as last known, in no particular order. */
  readonly members: readonly PresenceMember[];
  /** The entries by user: one with three tabs appears once. */
  readonly users: ReadonlyMap<string, readonly PresenceMember[]>;
  /**
   * Enters or changes the state, and re-enters after reconnects until `leave()`. Resolves with the
   * ack.
   * @throws {RoomError} `forbidden`, `invalid_frame` naming `state`, `closed`
   */
  enter(state: Readonly<Record<string, unknown>>): Promise<void>;
  /** Leaves. @throws {RoomError} as `enter` */
  leave(): Promise<void>;
}

/**
 * A room with an auto-reconnecting connection. `Published` types the sent events, `Received` the
 * received ones. docs/client.md lists every state, event and error.
 */
export interface Room<
  Published extends EventTypes,
  Received extends EventTypes = Published,
  Calls extends CallTypes = AnyCalls,
> extends AsyncDisposable, AsyncIterable<RoomMessage<Received>> {
  /** Address of the room, without query. */
  readonly url: string;
  readonly state: RoomState;
  /** Position of the last received message, for `resume`; null before the first connection. */
  readonly position: Position | null;
  readonly presence: Presence;
  /** Number of messages that wait for their ack. */
  readonly pending: number;

  /** Opens the room; after `closed` from the same position. Does nothing if it is open. */
  open(): void;
  /**
   * Sends what waits, within the server's rate, and closes with 1000. Requests without an answer
   * are rejected with `closed`; those that were sent may take effect. The user leaves presence at
   * once, or after the disconnect grace period if the room was just connecting. The state is
   * `closed` on return. The promise resolves once the outbox is stored and the connection has
   * ended, after three seconds at the latest.
   */
  close(): Promise<void>;
  /** Drops the connection and resumes on a new one, for example after the user changed. */
  reconnect(): void;
  /** Resolves once the room is live. @throws {RoomError} the reason, if it closes first */
  live(): Promise<LiveState>;
  /** Requests a token and hands it to the server without reconnecting. @throws {RoomError} */
  refreshToken(): Promise<void>;

  /**
   * Publishes a message and resolves with its offset once it is stored. It waits for a connection.
   * The client repeats it under the same id until the ack; the server stores it once.
   * @throws {RoomError} the server's code, such as `forbidden` or `invalid_frame` with the `field`;
   * `outbox_full`, `closed`, `outcome_unknown`
   */
  publish<Name extends EventName<Published>>(
    event: Name,
    data: Published[Name],
    options?: PublishOptions,
  ): Promise<number>;
  /**
   * Sends an ephemeral message to the current members: not stored, no offset, dropped first for
   * slow readers. Resolves with the ack, or as `EmitOptions.ack` says.
   * @throws {RoomError} `offline` if there is no connection or it breaks: the client does not retry
   */
  emit<Name extends EventName<Published>>(
    event: Name,
    data: Published[Name],
    options?: EmitOptions,
  ): Promise<void>;
  /**
   * Calls a method of the endpoint and resolves with its result. The client sends it once, also if
   * the connection breaks.
   * @throws {RoomError} `refused` with the endpoint's `reason`, `invalid_frame` with the `field`,
   * `rate_limited`, `timeout`; `offline` if it was not sent, `outcome_unknown` if the connection
   * broke before the answer
   */
  call<Name extends keyof Calls & string>(
    method: Name,
    ...data: CallArguments<CallInput<Calls[Name]>>
  ): Promise<CallOutput<Calls[Name]>>;
  /**
   * Reads a page of history; waits for a connection.
   * @throws {RoomError} `forbidden`, `closed`, …
   */
  history(page: PageQuery): Promise<HistoryPage<Received>>;

  /** Adds a listener and returns its removal. */
  on<Kind extends keyof RoomListeners<Received>>(
    kind: Kind,
    listener: (value: RoomListeners<Received>[Kind]) => void,
  ): () => void;
  /** Adds a listener for the messages of one event and returns its removal. */
  onMessage<Name extends EventName<Received>>(
    event: Name,
    listener: (message: RoomMessage<Pick<Received, Name>>) => void,
  ): () => void;
}

/** Options of `publish` and `emit`. */
export interface SendOptions {
  /**
   * `"self"`: this connection does not get its own message. It may still come after a reconnect.
   */
  readonly exclude?: "self" | undefined;
}

/** Options of `publish`. */
export interface PublishOptions extends SendOptions {
  /** Id of 1 to 64 characters; the same id is the same message. Default: a random one. */
  readonly id?: string | undefined;
}

/** Options of `emit`. */
export interface EmitOptions extends SendOptions {
  /** Recipient. Default: all members. */
  readonly to?: Recipient | undefined;
  /**
   * Key of 1 to 64 characters. The newest message of this event and key may replace this
   * connection's earlier ones that the server has not sent yet. Default: none are replaced.
   */
  readonly key?: string | undefined;
  /**
   * False: the server sends no ack, and the promise resolves once the socket has the frame. A later
   * refusal goes to the listeners of `error`. Default: true.
   */
  readonly ack?: boolean | undefined;
}
