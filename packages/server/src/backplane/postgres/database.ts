import postgres from "postgres";
import { BackplaneUnavailable } from "../contract.ts";
import { type Address, Sockets } from "./sockets.ts";
import { within } from "../with_timeout.ts";

/** How connections are made. */
export interface DatabaseOptions {
  readonly url: string;
  /** One writes, the rest read. */
  readonly connections: number;
  readonly connectMs: number;
  readonly statementMs: number;
  /** Told when a connection broke under a statement, or a statement took too long. */
  readonly onTrouble: (error: unknown) => void;
}

/** What a statement is given. */
export type Parameter = string | number | boolean | null;

/** Connections of one purpose. */
export interface Pool {
  readonly sql: postgres.Sql;
  /** Ends them all; what is under way has so many seconds to end. */
  end(timeout: number): Promise<void>;
}

/** What a connection is for. */
type Purpose = "write" | "read";

/** What a connection that listens is told. */
export interface NotificationHandlers {
  readonly onnotify: (channel: string, payload: string) => void;
  readonly onclose: () => void;
}

/**
 * The connections of an isolate. One connection writes, so that what is written in some order is done in that order, and does
 * not wait for what is read.
 */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #pools = new Map<Purpose, Pool>();
  /** Behind a pooler statements are not prepared, and settings not sent. */
  #isPooled = false;
  #isClosed = false;

  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /** Says whether there is a pooler that gives each transaction another connection. */
  async setPooled(isPooled: boolean): Promise<void> {
    if (this.#isPooled === isPooled) return;
    this.#isPooled = isPooled;
    await Promise.all([this.#drop("write"), this.#drop("read")]);
  }

  /** Does a statement that writes, after those given before. Rejects with `BackplaneUnavailable`. */
  write<Row extends object>(text: string, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    return this.#run<Row>("write", text, parameters);
  }

  /** Does a statement whose place among others does not matter. Rejects with `BackplaneUnavailable`. */
  read<Row extends object>(text: string, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    return this.#run<Row>("read", text, parameters);
  }

  /** A connection of its own; it connects with its first statement. */
  single(handlers: NotificationHandlers): Pool {
    return this.#connect(1, handlers);
  }

  /** Ends all connections; what is under way has a moment to end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#drop("write", 1), this.#drop("read", 1)]);
  }

  async #run<Row extends object>(
    purpose: Purpose,
    text: string,
    parameters: readonly Parameter[],
  ): Promise<readonly Row[]> {
    if (this.#isClosed) throw new BackplaneUnavailable("The backplane is closed.");
    const pool = this.#pool(purpose);
    const statement = pool.sql.unsafe<Row[]>(text, [...parameters], { prepare: !this.#isPooled });
    try {
      return await within(statement, this.#options.connectMs + this.#options.statementMs, "A statement");
    } catch (cause) {
      const isConnection = !(cause instanceof postgres.PostgresError) || isConnectionState(cause.code);
      if (isConnection && !this.#isClosed) {
        // One that does not answer is not closed by itself. And with postgres 3.4.9 one that was closed while a statement waited
        // to be written never writes anything again, though it connects: so it is not used any more.
        if (this.#pools.get(purpose) === pool) await this.#drop(purpose);
        this.#options.onTrouble(cause);
      }
      throw new BackplaneUnavailable(`The database did not do it: ${messageOf(cause)}`, { cause });
    }
  }

  #pool(purpose: Purpose): Pool {
    let pool = this.#pools.get(purpose);
    if (!pool) {
      pool = this.#connect(purpose === "write" ? 1 : Math.max(1, this.#options.connections - 1));
      this.#pools.set(purpose, pool);
    }
    return pool;
  }

  #connect(max: number, handlers?: NotificationHandlers): Pool {
    const { url, connectMs, statementMs } = this.#options;
    const sockets = new Sockets(connectMs);
    const options = {
      max,
      socket: (address: Address) => sockets.connect(address),
      // The client's own pause between attempts would come on top of ours.
      backoff: () => 0,
      connect_timeout: connectMs / 1_000,
      idle_timeout: 0,
      max_lifetime: null,
      keep_alive: 15,
      fetch_types: false,
      onnotice: () => {},
      connection: {
        application_name: "realtime",
        // PgBouncer refuses settings that it does not know.
        ...(this.#isPooled ? {} : { statement_timeout: statementMs }),
      },
      ...handlers,
    };
    const sql = postgres(url, options);
    return {
      sql,
      end: async (timeout) => {
        await sql.end({ timeout });
        sockets.end();
      },
    };
  }

  async #drop(purpose: Purpose, timeout = 0): Promise<void> {
    const pool = this.#pools.get(purpose);
    this.#pools.delete(purpose);
    await pool?.end(timeout);
  }
}

/** What an error says, in one line. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}

/** Whether the SQLSTATE says that the connection, or the server, is what failed. */
function isConnectionState(code: string): boolean {
  return code.startsWith("08") || code.startsWith("57P") || code === "53300";
}
