import { createTestDatabase } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres, PostgresServer } from "../../tools/support/postgres/server.ts";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";
import { RedisProcess } from "../../tools/support/redis/redis_process.ts";

/** What isolates share, as a server of its own. `await using` gives it back. */
export interface Backend extends AsyncDisposable {
  readonly port: number;
  /** The variables that lead an isolate to it, by this port. */
  env(port: number): Readonly<Record<string, string>>;
  /** Stops it, in order; what is stored stays. */
  stop(): Promise<void>;
  startAgain(): Promise<void>;
}

/** Makes backends of one kind. */
export interface BackendKind {
  /** The names of the tests begin with it. */
  readonly name: string;
  readonly isMissing: boolean;
  start(): Promise<Backend>;
}

let sharedPostgres: Promise<PostgresServer> | undefined;

/** A database of its own, on a server that ends with the test's process. */
export const onPostgres: BackendKind = {
  name: "postgres",
  isMissing: isWithoutPostgres,
  async start() {
    const server = await (sharedPostgres ??= PostgresServer.start());
    const database = await createTestDatabase({ server: server.url });
    const { port, pathname } = new URL(database.url);
    return {
      port: Number(port),
      env: (port) => ({ SUPABASE_DB_URL: `postgres://postgres@127.0.0.1:${port}${pathname}` }),
      stop: () => server.stop(),
      startAgain: () => server.resume(),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  },
};

/** A Redis that keeps an append-only file. */
export const onRedis: BackendKind = {
  name: "redis",
  isMissing: isWithoutRedis,
  async start() {
    const server = await RedisProcess.start({ settings: ["--appendonly", "yes"] });
    return {
      port: server.port,
      env: (port) => ({ REDIS_URL: `redis://127.0.0.1:${port}` }),
      stop: () => server.stop(),
      startAgain: () => server.startAgain(),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};
