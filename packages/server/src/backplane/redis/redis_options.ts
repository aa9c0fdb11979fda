import type { BackplaneOptions } from "../contract.ts";

/** What the server tells that is worth a line in the log. */
export type RedisEvent =
  | { readonly type: "connected"; readonly node: string }
  /** Out of reach; it is tried again after `retryMs`. */
  | { readonly type: "lost"; readonly node: string; readonly error: unknown; readonly retryMs: number }
  /** Something in the background failed and is done again. */
  | { readonly type: "failed"; readonly error: unknown };

/** Where Redis is: one server, or some nodes of a cluster, by which the others are found. */
export type RedisPlace = { readonly url: string } | { readonly cluster: readonly string[] };

/** What a backplane on Redis, or Valkey, is given. Either is version 7 or newer. */
export interface RedisOptions extends BackplaneOptions {
  /** URLs with user and password; those of the first node are used for all nodes of a cluster. */
  readonly place: RedisPlace;
  /** Told what becomes of connections. Must not throw. */
  readonly onEvent: (event: RedisEvent) => void;
  /** Begins all keys and channels; `realtime:` by default. No `{` may be in it. */
  readonly prefix?: string;
  /** How long a connection may take until it can be used, in milliseconds; 5,000 by default. */
  readonly connectMs?: number;
  /** How long the server may say nothing while something is asked, in milliseconds; 5,000 by default. After it, the connection counts as broken. */
  readonly commandMs?: number;
  /** After how much silence a connection is tried out, in milliseconds; 5,000 by default. */
  readonly pingMs?: number;
  /** How long a call waits for a connection that is being made, in milliseconds; 1,000 by default. */
  readonly waitMs?: number;
  /** The longest pause between two attempts to connect, in milliseconds; 5,000 by default. The first is 50 or less. */
  readonly retryMs?: number;
  /** How long an isolate counts as alive after it last said so, in milliseconds; 15,000 by default. It says so every third of it. */
  readonly leaseMs?: number;
  /** How often it is looked for entries whose time is over, in milliseconds; 1,000 by default. */
  readonly sweepMs?: number;
  /** How often a room in which nobody of this isolate is present is compared with the server, in milliseconds; 30,000 by default. */
  readonly checkMs?: number;
  /**
   * How long isolates are waited for that may know of messages which a server that comes back has lost, in milliseconds; 8,000 by default,
   * which has to be longer than `retryMs`. Meanwhile the room is unavailable; after it, its epoch is another one.
   */
  readonly doubtMs?: number;
  /** How long a room is remembered that nobody uses, in milliseconds; 7 days by default. After it, its epoch is another one. */
  readonly keepMs?: number;
  /** How many messages one script stores or reads; 500 by default. */
  readonly batch?: number;
  /** How many messages may wait to be stored; 10,000 by default. More are refused. */
  readonly maxWaiting?: number;
  /** From 0 to 1; Math.random by default. */
  readonly random?: () => number;
  /** What tests add to the server's clock, in milliseconds; 0 by default. */
  readonly shiftMs?: () => number;
}

/** The options with their defaults. */
export type Settings = Required<RedisOptions>;

/** Fills the defaults in. */
export function withDefaults(options: RedisOptions): Settings {
  return {
    prefix: "realtime:",
    connectMs: 5_000,
    commandMs: 5_000,
    pingMs: 5_000,
    waitMs: 1_000,
    retryMs: 5_000,
    leaseMs: 15_000,
    sweepMs: 1_000,
    checkMs: 30_000,
    doubtMs: 8_000,
    keepMs: 7 * 86_400_000,
    batch: 500,
    maxWaiting: 10_000,
    random: Math.random,
    shiftMs: () => 0,
    ...options,
  };
}
