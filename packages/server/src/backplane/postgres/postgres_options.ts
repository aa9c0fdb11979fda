import type { BackplaneOptions } from "../contract.ts";

/** What the database tells that is worth a line in the log. */
export type PostgresEvent =
  /** Connected: by LISTEN, or, behind a pooler that gives each transaction another connection, by asking again and again. */
  | { readonly type: "connected"; readonly mode: "listen" | "poll" }
  /** Out of reach; it is tried again after `retryMs`. */
  | { readonly type: "lost"; readonly error: unknown; readonly retryMs: number }
  /** Something in the background failed and is done again. */
  | { readonly type: "failed"; readonly error: unknown };

/** What a backplane on Postgres is given. */
export interface PostgresOptions extends BackplaneOptions {
  /** Where the database is, with user and password. */
  readonly url: string;
  /** Told what becomes of the connection. Must not throw. */
  readonly onEvent: (event: PostgresEvent) => void;
  /** Connections beside the one that listens, 2 or more: one writes, the rest read. 2 by default. */
  readonly connections?: number;
  /** How long a connection may take, in milliseconds; 5,000 by default. */
  readonly connectMs?: number;
  /** How long a statement may take, in milliseconds; 10,000 by default. After it, connections count as broken. */
  readonly statementMs?: number;
  /** How long a notification may take to come back, in milliseconds; 2,000 by default. After it, LISTEN counts as not working. */
  readonly echoMs?: number;
  /** How often the listening connection is tried out, in milliseconds; 15,000 by default. */
  readonly checkMs?: number;
  /** How long an isolate counts as alive after it last said so, in milliseconds; 15,000 by default. It says so every third of it. */
  readonly leaseMs?: number;
  /** How often it is looked for entries whose time is over, in milliseconds; 1,000 by default. */
  readonly sweepMs?: number;
  /** How often messages are trimmed, in milliseconds; 30,000 by default. */
  readonly trimMs?: number;
  /** How often it is asked for what is new where LISTEN does not work, in milliseconds; 500 by default. */
  readonly pollMs?: number;
  /** The longest pause between two attempts to connect, in milliseconds; 5,000 by default. The first is 100. */
  readonly retryMs?: number;
  /** How many messages one statement stores or reads; 500 by default. */
  readonly batch?: number;
  /** How many messages may wait to be stored; 10,000 by default. More are refused. */
  readonly maxWaiting?: number;
  /** From 0 to 1; Math.random by default. */
  readonly random?: () => number;
}

/** The options with their defaults. */
export type Settings = Required<PostgresOptions>;

/** Fills the defaults in. */
export function withDefaults(options: PostgresOptions): Settings {
  return {
    connections: 2,
    connectMs: 5_000,
    statementMs: 10_000,
    echoMs: 2_000,
    checkMs: 15_000,
    leaseMs: 15_000,
    sweepMs: 1_000,
    trimMs: 30_000,
    pollMs: 500,
    retryMs: 5_000,
    batch: 500,
    maxWaiting: 10_000,
    random: Math.random,
    ...options,
  };
}
