import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import {
  PostgresBackplane,
  type PostgresEvent,
  type PostgresOptions,
} from "../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import {
  createTestDatabase,
  type TestDatabase,
  type TestDatabaseOptions,
} from "../../tools/support/postgres/database.ts";
import { type TestWorld, USUAL, type WorldOptions } from "./world.ts";

/** What a world is made with beside what worlds usually are. */
export interface PostgresWorldOptions extends TestDatabaseOptions, Partial<PostgresOptions> {}

/** Isolates on a database of the test's own, whose clock is the database's, moved by the test. */
export class PostgresTestWorld implements TestWorld {
  readonly database: TestDatabase;
  /** What the connections were told to report, of all isolates. */
  readonly events: PostgresEvent[] = [];
  /** What subscribers' `deliver` threw. */
  readonly deliverErrors: unknown[] = [];
  readonly #options: PostgresWorldOptions;
  readonly #opened: PostgresBackplane[] = [];
  #movedMs = 0;

  private constructor(database: TestDatabase, options: PostgresWorldOptions) {
    this.database = database;
    this.#options = options;
  }

  /** Makes a world in which nothing has happened yet. */
  static async create(options: PostgresWorldOptions = {}): Promise<PostgresTestWorld> {
    return new PostgresTestWorld(await createTestDatabase(options), options);
  }

  /** One more isolate, which may be still connecting. */
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

  /** Lets the database's time pass, and isolates that live say so. */
  async advance(ms: number): Promise<void> {
    await this.moveClock(ms, true);
    await this.database.sql`select rooms.sweep()`;
  }

  /** Lets the database's time pass without anything being done about it. */
  async moveClock(ms: number, areAlive = false): Promise<void> {
    this.#movedMs += ms;
    // At once: isolates must not count as dead since the clock went on faster than they can know.
    await this.database.sql.unsafe(`
      begin;
      create or replace function rooms.now_ms() returns bigint language sql volatile as $$
        select (extract(epoch from clock_timestamp()) * 1000)::bigint + ${this.#movedMs}
      $$;
      ${areAlive ? `update rooms.isolates set expires_at = expires_at + ${ms};` : ""}
      commit;
    `);
  }

  async kill(backplane: Backplane): Promise<void> {
    const killed = this.#opened.find((one) => one === backplane);
    if (!killed) throw new Error("The backplane is not of this world.");
    await killed.abandon();
    const { sql } = this.database;
    await sql`update rooms.isolates set expires_at = rooms.now_ms() where id = ${killed.isolate}`;
    await sql`select rooms.sweep()`;
  }

  /** Cuts connections of the isolates, all or those that listen. */
  async cut(which: "all" | "listening" = "all"): Promise<void> {
    const { sql } = this.database;
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'realtime'
        and (${which === "all"} or query ilike '%listen%')
    `;
  }

  /** Closes the isolates that are open. */
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

/** Makes a database for the contract's suite. */
export function createPostgresTestWorld(options: WorldOptions): Promise<TestWorld> {
  return PostgresTestWorld.create(options);
}
