import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import { PostgresBackplane } from "../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import type {
  PostgresEvent,
  PostgresOptions,
} from "../../packages/server/src/backplane/postgres/postgres_options.ts";
import {
  clockMovedBy,
  createTestDatabase,
  type TestDatabase,
  type TestDatabaseOptions,
} from "../../tools/support/postgres/database.ts";
import { sharedTlsServer, type TlsServer } from "./postgres_tls_server.ts";
import { type TestWorld, USUAL, type WorldOptions } from "./world.ts";

/** Options of a Postgres world, added to the usual ones. */
export interface PostgresWorldOptions extends TestDatabaseOptions, Partial<PostgresOptions> {}

/** Returns the options of a world whose isolates refuse plain connections. */
export async function overTls(
  starting: Promise<TlsServer> = sharedTlsServer(),
): Promise<Required<Pick<PostgresWorldOptions, "server" | "tls">>> {
  const { server, ca } = await starting;
  return { server: server.url, tls: { mode: "verify-full", ca } };
}

/** Isolates on the test's own database. The test moves the database's clock. */
export class PostgresTestWorld implements TestWorld {
  readonly database: TestDatabase;
  /** Connection events of all isolates. */
  readonly events: PostgresEvent[] = [];
  /** Errors that subscribers' `deliver` threw. */
  readonly deliverErrors: unknown[] = [];
  readonly #options: PostgresWorldOptions;
  readonly #opened: PostgresBackplane[] = [];
  #movedMs = 0;

  private constructor(database: TestDatabase, options: PostgresWorldOptions) {
    this.database = database;
    this.#options = options;
  }

  /** Creates a world with an empty database. */
  static async create(options: PostgresWorldOptions = {}): Promise<PostgresTestWorld> {
    return new PostgresTestWorld(await createTestDatabase(options), options);
  }

  /** Starts another isolate, which may still be connecting. */
  start(options: Partial<PostgresOptions> = {}): PostgresBackplane {
    const { server: _, isMigrated: __, ...common } = this.#options;
    const backplane = new PostgresBackplane({
      ...USUAL,
      url: this.database.url,
      onDeliverError: (error) => this.deliverErrors.push(error),
      onEvent: (event) => this.events.push(event),
      ...common,
      ...options,
    });
    this.#opened.push(backplane);
    return backplane;
  }

  async open(): Promise<PostgresBackplane> {
    const backplane = this.start();
    await backplane.ready();
    return backplane;
  }

  /** Reads the secret part of the names of notification channels. */
  async channelKey(): Promise<string> {
    const [row] = await this.database.sql<{ key: string }[]>`select key from rooms.channel_key`;
    if (!row) throw new Error("The table rooms.channel_key is empty.");
    return row.key;
  }

  /** Moves the database's clock, with the leases of running isolates, and sweeps. */
  async advance(ms: number): Promise<void> {
    await this.moveClock(ms, true);
    await this.database.sql`select rooms.sweep()`;
  }

  /** Moves the database's clock; `areAlive` moves the leases too. Does not sweep. */
  async moveClock(ms: number, areAlive = false): Promise<void> {
    this.#movedMs += ms;
    // One transaction: leases must not expire because the clock moved faster than real time.
    await this.database.sql.unsafe(`
      begin;
      ${clockMovedBy(this.#movedMs)}
      ${areAlive ? `update rooms.isolates set expires_at = expires_at + ${ms};` : ""}
      commit;
    `);
  }

  async kill(backplane: Backplane): Promise<void> {
    const killed = this.#opened.find((one) => one === backplane);
    if (!killed) throw new Error("The backplane does not belong to this world.");
    await killed.abandon();
    const { sql } = this.database;
    await sql`update rooms.isolates set expires_at = rooms.now_ms() where id = ${killed.isolate}`;
    await sql`select rooms.sweep()`;
  }

  /** Terminates connections of the isolates: all, or the listening ones. */
  async cut(which: "all" | "listening" = "all"): Promise<void> {
    const { sql } = this.database;
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'realtime'
        and (${which === "all"} or query ilike '%listen%')
    `;
  }

  /** Closes all open isolates. */
  async close(): Promise<void> {
    await Promise.all(this.#opened.map((backplane) => backplane.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.close();
    } finally {
      await this.database[Symbol.asyncDispose]();
    }
  }
}

/** Creates a database for the contract suite. */
export function createPostgresTestWorld(options: WorldOptions): Promise<TestWorld> {
  return PostgresTestWorld.create(options);
}

/** Creates a database for the contract suite, with encrypted connections. */
export async function createTlsTestWorld(options: WorldOptions): Promise<TestWorld> {
  return await PostgresTestWorld.create({ ...options, ...await overTls() });
}
