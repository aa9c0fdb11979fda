/**
 * Interface between the isolates of one deployment: storage, delivery and presence of rooms. The
 * backplane decides what is true of a room across isolates. The modules in rooms/ decide which
 * frames members get. Every implementation passes the suite in tests/backplane/contract.ts.
 *
 * @module
 */

/** Sender of a message. */
export interface Sender {
  readonly user: string;
  /** Absent if the message was not sent over a socket. */
  readonly connection?: string;
}

/** A durable message, before it is stored. */
export interface Draft {
  /** Id chosen by the sender. A user's repeated id within the dedupe window is the same message. */
  readonly id: string;
  readonly event: string;
  /** JSON text. */
  readonly data: string;
  readonly from: Sender;
}

/** A durable message as it is stored and delivered. */
export interface Message extends Draft {
  /** Place in the room: 1 for the first message, then one more per message. */
  readonly offset: number;
  /** Time of storing, in milliseconds since 1970. */
  readonly at: number;
}

/** Result of publishing one draft. */
export interface Stored {
  readonly offset: number;
  /** True if the message was stored before: it keeps its offset and is not delivered again. */
  readonly duplicate: boolean;
}

/** A message that is delivered and never stored. */
export interface Ephemeral {
  readonly id: string;
  readonly event: string;
  /** JSON text. */
  readonly data: string;
  readonly from: Sender;
  readonly at: number;
  /** Recipient; every member of the room if absent. */
  readonly to?: { readonly user: string } | { readonly connection: string };
  /** Connection that does not get the message, if it is the sender's. */
  readonly exclude?: string;
  /**
   * The newest message of this sender and event with this key, 1 to 64 characters, stands for those
   * that wait to be sent. Every message is delivered to the subscriptions.
   */
  readonly key?: string;
}

/** Presence of one connection in a room. */
export interface PresenceEntry {
  readonly user: string;
  readonly connection: string;
  /** JSON text of an object. */
  readonly state: string;
}

/** A connection that resumes a previous one. */
export interface Resumption {
  readonly user: string;
  readonly connection: string;
  /** Connection that the client resumes, if the client names it. */
  readonly previous?: string;
}

/** One change of a room's presence. */
export type PresenceChange =
  | { readonly type: "joined"; readonly entry: PresenceEntry }
  /** The state changed. With `previous`, this connection took over the entry of that one. */
  | { readonly type: "updated"; readonly entry: PresenceEntry; readonly previous?: string }
  | { readonly type: "left"; readonly entry: PresenceEntry };

/**
 * An event of a subscription. All kinds of events share one order: the effects of a call come
 * before the effects of later calls.
 */
export type RoomEvent =
  /** Messages in the order of offsets, each exactly once, without gaps. */
  | { readonly type: "messages"; readonly messages: readonly Message[] }
  | { readonly type: "ephemeral"; readonly message: Ephemeral }
  | { readonly type: "presence"; readonly change: PresenceChange }
  /** Lost offsets: retention trimmed these messages while the backplane was unreachable. */
  | { readonly type: "gap"; readonly from: number; readonly to: number }
  /** The room has a new history, so offsets start again at 1. Last event of the subscription. */
  | { readonly type: "reset" };

/** A live subscription to one room. */
export interface Subscription {
  /** Name of the history that offsets belong to; changes if the history was lost. */
  readonly epoch: string;
  /**
   * Offset of the room's last message at the start of the subscription; 0 if there is none.
   * The subscription delivers every later message.
   */
  readonly head: number;
  /** Presence at the start of the subscription, which delivers every later change. */
  readonly present: readonly PresenceEntry[];
  /** Ends the subscription: it delivers nothing after this call. A second call does nothing. */
  close(): void;
}

/** Range of a page of history; offsets are exclusive bounds. */
export type PageRequest =
  /** First `limit` messages after the offset. */
  | { readonly after: number; readonly limit: number }
  /** Last `limit` messages before the offset. */
  | { readonly before: number; readonly limit: number }
  /**
   * First `limit` messages since a time, in milliseconds since 1970. Times rise with offsets. A
   * store's clock that is put back moves the start by as much.
   */
  | { readonly since: number; readonly limit: number };

/** A page of history. */
export interface Page {
  /** Empty if the backplane knows no such room. */
  readonly epoch: string;
  /** Offset of the room's last message. */
  readonly head: number;
  /** Offset of the oldest retained message; `head + 1` if none is retained. */
  readonly first: number;
  /**
   * Messages in the order of offsets, without gaps. Large messages make the page shorter than its
   * limit, but never empty.
   */
  readonly messages: readonly Message[];
  /** True if the room has more messages in the page's direction. */
  readonly more: boolean;
}

/**
 * Rejection of every method while the backplane cannot serve the call. A later retry may succeed.
 */
export class BackplaneUnavailable extends Error {
  override readonly name = "BackplaneUnavailable";
}

/** Rooms as all isolates of a deployment share them. Room names and user ids are any text. */
export interface Backplane {
  /**
   * Stores drafts in the given order, after those of earlier calls for the same room, and delivers
   * them to every subscription of every isolate. Resolves with one result per draft once they are
   * stored. A retry after a rejection stores nothing twice. If a call fails, pending calls of the
   * same connections behind it fail too, so that their messages keep their order.
   */
  publish(room: string, drafts: readonly Draft[]): Promise<readonly Stored[]>;
  /** Delivers a message to every current subscription, and stores nothing. */
  emit(room: string, message: Ephemeral): Promise<void>;
  /**
   * Starts a subscription. It delivers every event after `head` without a gap. The backplane may
   * call `deliver` before the caller sees the promise resolved. `deliver` must not throw.
   */
  subscribe(room: string, deliver: (event: RoomEvent) => void): Promise<Subscription>;
  /** Reads history; needs no subscription. */
  history(room: string, page: PageRequest): Promise<Page>;
  /**
   * Enters a connection, or changes its state. If the user has an entry in its disconnect grace
   * period, a new connection takes over the oldest one: `updated` with `previous`, not `joined`.
   * An equal state changes nothing.
   */
  enter(room: string, entry: PresenceEntry): Promise<void>;
  /**
   * Resumes a connection of the same user: takes over the entry of `previous` with its state, even
   * outside its disconnect grace period. Without `previous` the connection takes over the user's
   * oldest entry in its grace period. The backplane delivers `updated` with `previous`. If the
   * entry is missing or belongs to another user, nothing happens. A client may name `previous`
   * again if it never learned of the connection that resumed it first. The new connection then
   * takes over that connection's entry.
   */
  resume(room: string, connection: Resumption): Promise<void>;
  /** Removes the connection's entry at once, even in its grace period; does nothing without one. */
  leave(room: string, connection: string): Promise<void>;
  /**
   * Starts the disconnect grace period of a lost connection. The backplane removes the entry after
   * `graceMs` unless a connection takes it over before. Until then the entry counts as present, and
   * no change is delivered. A second call does not extend the period. `enter` of the same
   * connection ends the period.
   */
  linger(room: string, connection: string, graceMs: number): Promise<void>;
  /** Lists presence, including entries in their grace period; needs no subscription. */
  present(room: string): Promise<readonly PresenceEntry[]>;
  /**
   * Stores a value that is taken at most once, for `ttlMs`. A value that is there under this key is
   * replaced. Key and value are any text.
   */
  put(key: string, value: string, ttlMs: number): Promise<void>;
  /**
   * Removes a value and resolves with it: for one caller only, on whatever isolate. Resolves with
   * undefined for the others, and if there is none or it has expired. After a rejection the value
   * may be gone.
   */
  take(key: string): Promise<string | undefined>;
  /** Resolves if the backplane is usable; rejects with BackplaneUnavailable otherwise. */
  ready(): Promise<void>;
  /**
   * Ends all subscriptions and releases all resources. Remaining entries of this isolate start
   * their disconnect grace period. A second call does nothing; other calls reject afterwards.
   */
  close(): Promise<void>;
}

/** Bounds of what a room retains. */
export interface Retention {
  /** Maximum number of messages of one room. */
  readonly messages: number;
  /** Maximum age of a message, in milliseconds. */
  readonly ageMs: number;
  /** Dedupe window: time in which a repeated publish id is recognized, in milliseconds. */
  readonly dedupeMs: number;
}

/** Options that all backplanes share. */
export interface BackplaneOptions {
  /** Retention of every room. A backplane may remove older messages with a delay. */
  readonly retention: Retention;
  /** Disconnect grace period for entries of a closed or dead isolate, in milliseconds. */
  readonly graceMs: number;
  /**
   * Receives errors that a subscriber's `deliver` threw. Other subscribers get the event
   * regardless. Must not throw.
   */
  readonly onDeliverError: (error: unknown) => void;
}
