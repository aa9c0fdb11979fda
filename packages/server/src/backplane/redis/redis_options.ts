import type { BackplaneOptions } from "../contract.ts";

/** Connection events that are worth a line in the log. */
export type RedisEvent =
  /** Connected to a server. */
  | { readonly type: "connected"; readonly node: string }
  /** The server is unreachable; the next attempt starts after `retryMs`. */
  | { readonly type: "lost"; readonly node: string; readonly error: unknown; readonly retryMs: number }
  /** A background job failed; it runs again later. */
  | { readonly type: "failed"; readonly error: unknown };

/** Location of Redis: one server, or some nodes of a cluster, which name the other nodes. */
export type RedisPlace = { readonly url: string } | { readonly cluster: readonly string[] };

/** Options of the backplane on Redis or Valkey, version 7 or newer. */
export interface RedisOptions extends BackplaneOptions {
  /** URLs with user and password; those of the first node apply to all nodes of a cluster. */
  readonly place: RedisPlace;
  /** Receives connection events. Must not throw. */
  readonly onEvent: (event: RedisEvent) => void;
  /**
   * Prefix of all keys and channels, without `{`. By default `realtime:`, or `realtime:N:` in the
   * database N, since channels do not belong to a database.
   */
  readonly prefix?: string;
  /** Timeout of a connection attempt, in milliseconds; 5,000 by default. */
  readonly connectMs?: number;
  /**
   * Maximum silence of the server while a command is pending, in milliseconds; 5,000 by default. A
   * longer silence breaks the connection.
   */
  readonly commandMs?: number;
  /** Silence after which an idle connection is pinged, in milliseconds; 5,000 by default. */
  readonly pingMs?: number;
  /** Maximum wait of a call for a connection attempt, in milliseconds; 1,000 by default. */
  readonly waitMs?: number;
  /**
   * Longest pause between two connection attempts, in milliseconds; 5,000 by default. The first is
   * 50 or less.
   */
  readonly retryMs?: number;
  /**
   * Lifetime of an isolate's lease, in milliseconds; 15,000 by default. Renewed every third of it.
   */
  readonly leaseMs?: number;
  /** Interval at which expired presence entries are removed, in milliseconds; 1,000 by default. */
  readonly sweepMs?: number;
  /**
   * Interval at which a room without entries of this isolate is compared with Redis, in
   * milliseconds; 30,000 by default.
   */
  readonly checkMs?: number;
  /**
   * Maximum wait for isolates to confirm a room after a server restart, in milliseconds; 8,000 by
   * default. Must be longer than `retryMs`, so that every isolate can reconnect in time. The room
   * is unavailable during the wait, and gets a new epoch after it.
   */
  readonly confirmMs?: number;
  /**
   * Retention of an unused room, in milliseconds; 7 days by default. A later use gives the room a
   * new epoch.
   */
  readonly unusedRoomMs?: number;
  /** Messages that one script stores or reads; 500 by default. */
  readonly batch?: number;
  /** Messages that may be queued for storage; 10,000 by default. Further publishes are rejected. */
  readonly maxWaiting?: number;
  /** Random number from 0 to 1; Math.random by default. */
  readonly random?: () => number;
  /** Milliseconds that a test adds to the server's clock; 0 by default. */
  readonly shiftMs?: () => number;
}

/** The options with every default filled in. */
export type ResolvedOptions = Required<RedisOptions>;

/** Fills in the default of every missing option. */
export function withDefaults(options: RedisOptions): ResolvedOptions {
  return {
    prefix: defaultPrefix(options.place),
    connectMs: 5_000,
    commandMs: 5_000,
    pingMs: 5_000,
    waitMs: 1_000,
    retryMs: 5_000,
    leaseMs: 15_000,
    sweepMs: 1_000,
    checkMs: 30_000,
    confirmMs: 8_000,
    unusedRoomMs: 7 * 86_400_000,
    batch: 500,
    maxWaiting: 10_000,
    random: Math.random,
    shiftMs: () => 0,
    ...options,
  };
}

function defaultPrefix(place: RedisPlace): string {
  const database = "url" in place ? Number(URL.parse(place.url)?.pathname.slice(1) ?? 0) : 0;
  return database > 0 ? `realtime:${database}:` : "realtime:";
}
