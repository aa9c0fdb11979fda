/**
 * How the isolates of one deployment talk and remember. Everything that is true of rooms across isolates is decided here; what
 * members are told is decided in rooms/. tests/backplane/contract.ts is this text as tests: every implementation passes it.
 */

/** Who sent a message. */
export interface Sender {
  readonly user: string;
  /** Absent for what was not sent over a socket. */
  readonly connection?: string;
}

/** A durable message, before it is stored. */
export interface Draft {
  /** The sender's own id: the same user's same id within the dedupe window is the same message. */
  readonly id: string;
  readonly event: string;
  /** JSON text. */
  readonly data: string;
  readonly from: Sender;
}

/** A durable message as it is stored and delivered. */
export interface Message extends Draft {
  /** Its place in the room: the first message has 1, each one more than the last. */
  readonly offset: number;
  /** When it was stored, in milliseconds since 1970. */
  readonly at: number;
}

/** What became of a draft. */
export interface Stored {
  readonly offset: number;
  /** True when the message had been stored before: it keeps its offset and is not delivered again. */
  readonly duplicate: boolean;
}

/** A message that is not stored. */
export interface Ephemeral {
  readonly id: string;
  readonly event: string;
  /** JSON text. */
  readonly data: string;
  readonly from: Sender;
  readonly at: number;
  /** Whom it is for; everybody in the room when absent. */
  readonly to?: { readonly user: string } | { readonly connection: string };
}

/** One connection's presence in a room. */
export interface PresenceEntry {
  readonly user: string;
  readonly connection: string;
  /** JSON text of an object. */
  readonly state: string;
}

/** A connection that goes on where another one was. */
export interface Resumption {
  readonly user: string;
  readonly connection: string;
  /** The connection that it continues, when the client says. */
  readonly previous?: string;
}

/** What changed in a room's presence. */
export type PresenceChange =
  | { readonly type: "joined"; readonly entry: PresenceEntry }
  /** The state changed; or, with `previous`, the entry of that connection went on as this one. */
  | { readonly type: "updated"; readonly entry: PresenceEntry; readonly previous?: string }
  | { readonly type: "left"; readonly entry: PresenceEntry };

/** What a subscription brings, all kinds of events in one order: what a call did comes before what later calls did. */
export type RoomEvent =
  /** In the order of offsets, each exactly once, none left out. */
  | { readonly type: "messages"; readonly messages: readonly Message[] }
  | { readonly type: "ephemeral"; readonly message: Ephemeral }
  | { readonly type: "presence"; readonly change: PresenceChange }
  /** These offsets cannot be delivered any more: they were trimmed while the backplane was out of reach. */
  | { readonly type: "gap"; readonly from: number; readonly to: number }
  /** The room's history is another one now, so offsets begin anew: nothing more comes from this subscription. */
  | { readonly type: "reset" };

/** A live subscription to one room. */
export interface Subscription {
  /** Names the history that offsets belong to; changes when it was lost. */
  readonly epoch: string;
  /** Offset of the room's last message when the subscription began; 0 when there is none. Everything after it is delivered. */
  readonly head: number;
  /** Who was present when the subscription began; later changes are delivered. */
  readonly present: readonly PresenceEntry[];
  /** Ends it: nothing is delivered after the call. Calling it twice does nothing. */
  close(): void;
}

/** Which messages a page of history holds; each bound is exclusive. */
export type PageRequest =
  /** The first `limit` messages after the offset. */
  | { readonly after: number; readonly limit: number }
  /** The last `limit` messages before the offset. */
  | { readonly before: number; readonly limit: number };

/** A page of history. */
export interface Page {
  readonly epoch: string;
  /** Offset of the room's last message. */
  readonly head: number;
  /** Offset of the oldest message that is kept; `head + 1` when none is. */
  readonly first: number;
  /** In the order of offsets, without holes. */
  readonly messages: readonly Message[];
  /** Whether there are more in the page's direction. */
  readonly more: boolean;
}

/** Thrown, as a rejection, by every method when it cannot be done now; trying again later makes sense. */
export class BackplaneUnavailable extends Error {
  override readonly name = "BackplaneUnavailable";
}

/** The room as all isolates of a deployment share it. Room names and user ids are any text. */
export interface Backplane {
  /**
   * Stores drafts in the order given, after those of earlier calls for the same room, and delivers them to every subscription
   * of every isolate. Resolves with one result a draft when they are stored; a retry after a rejection stores nothing twice. When a call
   * fails, those of the same connections that wait behind it fail too.
   */
  publish(room: string, drafts: readonly Draft[]): Promise<readonly Stored[]>;
  /** Delivers a message to every subscription there is, and keeps nothing. */
  emit(room: string, message: Ephemeral): Promise<void>;
  /**
   * Begins to deliver; events that happen after it resolved are delivered, with none between `head` and the first. `deliver` may be
   * called before the caller sees the promise resolved. It must not throw.
   */
  subscribe(room: string, deliver: (event: RoomEvent) => void): Promise<Subscription>;
  /** Reads history, without a subscription too. */
  history(room: string, page: PageRequest): Promise<Page>;
  /**
   * Enters a connection, or changes its state. A new connection of a user who has a lingering entry takes that one over (the
   * oldest): `updated` with `previous`, not `joined`. An equal state changes nothing.
   */
  enter(room: string, entry: PresenceEntry): Promise<void>;
  /**
   * A connection goes on where another of the same user was: it takes over the entry of `previous`, lingering or not, with
   * its state, or without `previous` the user's oldest lingering one. `updated` with `previous` is delivered. Where there is
   * no such entry, or it is another user's, nothing happens. An entry that went on from `previous` by an earlier `resume` counts as its
   * own: a client that names it again never learned of the connection between.
   */
  resume(room: string, connection: Resumption): Promise<void>;
  /** The connection's entry goes at once, lingering or not; without one nothing happens. */
  leave(room: string, connection: string): Promise<void>;
  /**
   * The connection was lost: its entry goes after `graceMs`, unless it is taken over before. Until then it counts as
   * present and nobody is told anything. The first call stands; an `enter` of the same connection brings it back.
   */
  linger(room: string, connection: string, graceMs: number): Promise<void>;
  /** Who is present, lingering ones included; without a subscription too. */
  present(room: string): Promise<readonly PresenceEntry[]>;
  /** Resolves when it can be used, rejects with BackplaneUnavailable when it cannot. */
  ready(): Promise<void>;
  /**
   * Ends all subscriptions and gives everything back. Entries of this isolate that are left linger for the grace time. Calling it
   * twice does nothing; other calls reject afterwards.
   */
  close(): Promise<void>;
}

/** How much a room keeps. */
export interface Retention {
  /** Messages of one room. */
  readonly messages: number;
  /** Age of a message, in milliseconds. */
  readonly ageMs: number;
  /** How long a repeated publish id is recognized, in milliseconds. */
  readonly dedupeMs: number;
}

/** What every backplane is given. */
export interface BackplaneOptions {
  /** How much a room keeps; what is over goes in its own time. */
  readonly retention: Retention;
  /** How long the entries of an isolate that was closed, or has died, linger, in milliseconds. */
  readonly graceMs: number;
  /** Told what a subscriber's `deliver` threw, the others being delivered to all the same. Must not throw itself. */
  readonly onDeliverError: (error: unknown) => void;
}
