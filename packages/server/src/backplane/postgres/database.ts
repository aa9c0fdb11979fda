import postgres from "postgres";
import { CallLimit } from "../../call_limit.ts";
import { BackplaneUnavailable } from "../contract.ts";
import type { Address } from "./open_connection.ts";
import { Sockets } from "./sockets.ts";
import type { TlsOptions } from "./tls.ts";
import { withTimeout } from "../with_timeout.ts";

/** Options of `Database`. */
export interface DatabaseOptions {
  readonly url: string;
  readonly tls: TlsOptions;
  /** Number of pooled connections besides the one for maintenance: one writes, the rest read. */
  readonly connections: number;
  readonly connectMs: number;
  readonly statementMs: number;
  /** Called when a connection broke during a statement, or a statement timed out. */
  readonly onConnectionFailure: (error: unknown) => void;
}

/** Parameter of a statement. */
export type Parameter = string | number | boolean | null;

/** Connections that share one purpose. */
export interface Pool {
  readonly sql: postgres.Sql;
  /** Closes all connections. Running statements have `timeout` seconds to complete. */
  end(timeout: number): Promise<void>;
}

type Purpose = "write" | "read" | "maintain";

/** A pool, and the statement that was issued last. */
interface ActivePool extends Pool {
  /** Settles with that statement. Never rejects. */
  last: Promise<void>;
  hasEnded: boolean;
}

/** Idle time after which the connection for maintenance is closed, in milliseconds. */
const MAINTENANCE_IDLE_MS = 5_000;

/** Time for a statement to settle once its pool has ended, in milliseconds. */
const ENDED_MS = 100;

/** Receives notifications and the close of a listening connection. */
export interface NotificationHandlers {
  readonly onnotify: (channel: string, payload: string) => void;
  readonly onclose: () => void;
}

/**
 * Pooled connections of an isolate. A single connection writes: statements run in the order in
 * which they were issued, and neither reads nor maintenance delay them.
 */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #pools = new Map<Purpose, ActivePool>();
  /** A statement per connection, so that each is sent when it is its turn. */
  readonly #reads: CallLimit;
  /** True behind a transaction pooler: statements are not prepared, and settings not sent. */
  #isPooled = false;
  #isClosed = false;
  /** Number of maintenance statements under way. */
  #maintaining = 0;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    // Callers bound what waits: one read per stream, and the members' reads (rooms/read_limits.ts).
    this.#reads = new CallLimit(this.#readConnections, Number.POSITIVE_INFINITY);
  }

  get #readConnections(): number {
    return Math.max(1, this.#options.connections - 1);
  }

  /** Sets whether a transaction pooler is in between. A change closes all connections. */
  async setPooled(isPooled: boolean): Promise<void> {
    if (this.#isPooled === isPooled) return;
    this.#isPooled = isPooled;
    await this.#dropAll();
  }

  /** Runs a statement after all writes issued before it. Rejects with `BackplaneUnavailable`. */
  write<Row extends object>(text: string, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    return this.#run<Row>("write", text, parameters);
  }

  /** Runs a statement in any order with others. Rejects with `BackplaneUnavailable`. */
  read<Row extends object>(text: string, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    return this.#reads.run(() => this.#run<Row>("read", text, parameters));
  }

  /**
   * Runs a statement that may take long, on a connection that exists for such only while they are
   * issued. Rejects with `BackplaneUnavailable`.
   */
  async maintain<Row extends object>(
    text: string,
    parameters: readonly Parameter[],
  ): Promise<readonly Row[]> {
    this.#maintaining++;
    clearTimeout(this.#idleTimer);
    try {
      return await this.#run<Row>("maintain", text, parameters);
    } finally {
      // The client library would lose a statement that comes while it closes an idle connection.
      if (--this.#maintaining === 0 && !this.#isClosed) {
        this.#idleTimer = setTimeout(() => void this.#drop("maintain"), MAINTENANCE_IDLE_MS);
      }
    }
  }

  /** Creates a pool of one dedicated connection, which connects with its first statement. */
  dedicated(handlers: NotificationHandlers): Pool {
    return this.#connect(1, handlers);
  }

  /** Closes all connections. Running statements have one second to complete. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    await this.#dropAll(1);
  }

  async #run<Row extends object>(
    purpose: Purpose,
    text: string,
    parameters: readonly Parameter[],
  ): Promise<readonly Row[]> {
    if (this.#isClosed) throw new BackplaneUnavailable("The backplane is closed.");
    const pool = this.#pool(purpose);
    const statement = pool.sql.unsafe<Row[]>(text, [...parameters], { prepare: !this.#isPooled }).execute();
    const result = this.#result(pool, statement, purpose === "read" ? undefined : pool.last);
    pool.last = result.then(() => {}, () => {/* the caller gets the error */});
    try {
      return await result;
    } catch (cause) {
      const isConnection = !(cause instanceof postgres.PostgresError) || isConnectionState(cause.code);
      if (isConnection && !this.#isClosed) {
        // Nothing else closes a connection that does not answer. A pool of postgres 3.4.9 whose
        // connection closed while a statement was queued reconnects, but never writes again.
        if (this.#pools.get(purpose) === pool) await this.#drop(purpose);
        this.#options.onConnectionFailure(cause);
      }
      const problem = isConnection ? "Postgres did not complete a statement" : "Postgres rejected the query";
      throw new BackplaneUnavailable(`${problem}: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * Bounds the time of a statement. One connection runs its statements in their order, so the time
   * of one begins when the `previous` has settled.
   */
  async #result<Result>(
    pool: ActivePool,
    statement: Promise<Result>,
    previous: Promise<void> | undefined,
  ): Promise<Result> {
    // Two handlers: the statement may reject while the previous one is awaited.
    statement.catch(() => {/* the caller gets the error */});
    await previous;
    const { connectMs, statementMs } = this.#options;
    // The end of a pool rejects its statements. This bound is for those that the library forgot.
    const ms = pool.hasEnded ? ENDED_MS : connectMs + statementMs;
    return await withTimeout(statement, ms, "The statement");
  }

  #pool(purpose: Purpose): ActivePool {
    let pool = this.#pools.get(purpose);
    if (!pool) {
      const connected = this.#connect(purpose === "read" ? this.#readConnections : 1);
      pool = { ...connected, last: Promise.resolve(), hasEnded: false };
      this.#pools.set(purpose, pool);
    }
    return pool;
  }

  #connect(max: number, handlers?: NotificationHandlers): Pool {
    const { url, tls, connectMs, statementMs } = this.#options;
    const sockets = new Sockets({ connectMs, tls });
    const options = {
      max,
      socket: (address: Address) => sockets.connect(address),
      // The sockets are encrypted already; `sslmode` in the URL must not start it again.
      ssl: false,
      // The client library's own pause between attempts would add to the connector's.
      backoff: () => 0,
      connect_timeout: connectMs / 1_000,
      idle_timeout: 0,
      max_lifetime: null,
      keep_alive: 15,
      fetch_types: false,
      onnotice: () => {},
      connection: {
        application_name: "realtime",
        // PgBouncer rejects connections with settings that it does not know.
        ...(this.#isPooled ? {} : { statement_timeout: statementMs }),
      },
      ...handlers,
    };
    const sql = postgres(url, options);
    return {
      sql,
      end: async (timeout) => {
        await sql.end({ timeout });
        await sockets.end();
      },
    };
  }

  async #dropAll(timeout = 0): Promise<void> {
    await Promise.all([...this.#pools.keys()].map((purpose) => this.#drop(purpose, timeout)));
  }

  async #drop(purpose: Purpose, timeout = 0): Promise<void> {
    const pool = this.#pools.get(purpose);
    if (!pool) return;
    this.#pools.delete(purpose);
    pool.hasEnded = true;
    await pool.end(timeout);
  }
}

/** Formats an error as one line. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}

/**
 * Returns the SQLSTATE of an error that Postgres or a pooler raised; undefined for other errors.
 */
export function sqlStateOf(error: unknown): string | undefined {
  const source = error instanceof BackplaneUnavailable ? error.cause : error;
  return source instanceof postgres.PostgresError ? source.code : undefined;
}

/**
 * True if the SQLSTATE blames the connection or the server, not the statement. A session that was
 * opened read-only stays so when the server is writable again.
 */
function isConnectionState(code: string): boolean {
  return code.startsWith("08") || code.startsWith("57P") || code === "53300" || code === READ_ONLY;
}

/** SQLSTATE of a write in a read-only session, or on a standby. */
const READ_ONLY = "25006";

/** True if Postgres refused a write because the session or the server is read-only. */
export function isReadOnly(error: unknown): boolean {
  return sqlStateOf(error) === READ_ONLY;
}
