import { type MonotonicClock, preciseClock } from "../../clocks.ts";
import type { BackplaneOptions } from "../contract.ts";
import type { SchemaVersion } from "./schema_version.ts";
import type { TlsOptions } from "./tls.ts";

/** Connection events that are worth a line in the log. */
export type PostgresEvent =
  /** Connected. The mode is `poll` behind a transaction pooler, where LISTEN does not work. */
  | { readonly type: "connected"; readonly mode: "listen" | "poll"; readonly schema: SchemaVersion }
  /** The database is unreachable; the next attempt starts after `retryMs`. */
  | { readonly type: "lost"; readonly error: unknown; readonly retryMs: number }
  /** A background job failed; it runs again after its interval. */
  | { readonly type: "failed"; readonly error: unknown }
  /** Notifications were ignored: malformed, repeated, or not what the database says. */
  | { readonly type: "ignored"; readonly error: unknown };

/** Options of the backplane on Postgres. */
export interface PostgresOptions extends BackplaneOptions {
  /** URL of the database, with user and password. */
  readonly url: string;
  /** TLS of the connections; `prefer` by default. */
  readonly tls?: TlsOptions;
  /** Receives connection events. Must not throw. */
  readonly onEvent: (event: PostgresEvent) => void;
  /**
   * Connections besides the one that listens and the one for maintenance, 2 or more: one writes,
   * the rest read. 2 by default.
   */
  readonly connections?: number;
  /** Timeout of a connection attempt, in milliseconds; 5,000 by default. */
  readonly connectMs?: number;
  /**
   * Timeout of a statement, in milliseconds; 10,000 by default. A timeout breaks the connection.
   */
  readonly statementMs?: number;
  /**
   * Timeout of a notification's echo, in milliseconds; 2,000 by default. Then LISTEN counts as
   * broken.
   */
  readonly echoMs?: number;
  /** Interval at which the listening connection is checked, in milliseconds; 15,000 by default. */
  readonly checkMs?: number;
  /**
   * Lifetime of an isolate's lease, in milliseconds; 15,000 by default. Renewed every third of it.
   */
  readonly leaseMs?: number;
  /** Interval at which expired presence entries are removed, in milliseconds; 1,000 by default. */
  readonly sweepMs?: number;
  /** Interval at which messages and rooms are trimmed, in milliseconds; 30,000 by default. */
  readonly trimMs?: number;
  /** Time that trimming may take each time, in milliseconds; 10,000 by default. */
  readonly trimBudgetMs?: number;
  /**
   * Time after which a room without messages, presence and subscriptions is removed, in
   * milliseconds; 15 minutes by default.
   */
  readonly unusedRoomMs?: number;
  /**
   * Interval at which rooms are polled where LISTEN does not work, in milliseconds; 500 by default.
   */
  readonly pollMs?: number;
  /**
   * Longest pause between two connection attempts, in milliseconds; 5,000 by default. The first is
   * 100.
   */
  readonly retryMs?: number;
  /** Messages that one statement stores or reads; 500 by default. */
  readonly batch?: number;
  /** Messages that may be queued for storage; 10,000 by default. Further publishes are rejected. */
  readonly maxWaiting?: number;
  /** Random number from 0 to 1; Math.random by default. */
  readonly random?: () => number;
  /** Default: the system's. */
  readonly now?: MonotonicClock;
}

/** The options with every default filled in. */
export type ResolvedOptions = Required<PostgresOptions>;

/** Fills in the defaults. */
export function withDefaults(options: PostgresOptions): ResolvedOptions {
  return {
    tls: { mode: "prefer" },
    connections: 2,
    connectMs: 5_000,
    statementMs: 10_000,
    echoMs: 2_000,
    checkMs: 15_000,
    leaseMs: 15_000,
    sweepMs: 1_000,
    trimMs: 30_000,
    trimBudgetMs: 10_000,
    unusedRoomMs: 900_000,
    pollMs: 500,
    retryMs: 5_000,
    batch: 500,
    maxWaiting: 10_000,
    random: Math.random,
    now: preciseClock,
    ...options,
  };
}
