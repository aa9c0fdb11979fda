import { createTestDatabase } from "../../tools/support/postgres/database.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { sharedTlsServer } from "../backplane/postgres_tls_server.ts";
import { isWithoutPostgres, PostgresServer } from "../../tools/support/postgres/server.ts";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";
import { RedisProcess } from "../../tools/support/redis/redis_process.ts";

/** Server that isolates share. `await using` releases it. */
export interface Backend extends AsyncDisposable {
  readonly port: number;
  /** Environment of an isolate that reaches the server at this port. */
  env(port: number): Readonly<Record<string, string>>;
  /** Stops the server cleanly; stored data stays. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  /** Resolves once each isolate has run every statement of its background jobs. */
  untilJobsRan(): Promise<void>;
}

/** Kind of backend. */
export interface BackendKind {
  /** Name in the titles of the tests. */
  readonly name: string;
  readonly isMissing: boolean;
  start(): Promise<Backend>;
}

/** Limit of `untilJobsRan`: an isolate renews its lease every five seconds. */
const JOBS_MS = 20_000;

let sharedPostgres: Promise<PostgresServer> | undefined;

/** Postgres: a new database on a server that ends with the test process. */
export const onPostgres: BackendKind = {
  name: "postgres",
  isMissing: isWithoutPostgres,
  start: async () => await startPostgres(await (sharedPostgres ??= PostgresServer.start()), {}),
};

/** Postgres with encrypted connections: isolates verify the certificate, or are not ready. */
export const onPostgresOverTls: BackendKind = {
  name: "postgres over TLS",
  isMissing: isWithoutPostgres,
  async start() {
    const { server, ca } = await sharedTlsServer();
    return await startPostgres(server, { POSTGRES_SSLMODE: "verify-full", POSTGRES_CA: ca });
  },
};

async function startPostgres(
  server: PostgresServer,
  tls: Readonly<Record<string, string>>,
): Promise<Backend> {
  const database = await createTestDatabase({ server: server.url });
  const { port, pathname } = new URL(database.url);
  return {
    port: Number(port),
    env: (port) => ({ SUPABASE_DB_URL: `postgres://postgres@127.0.0.1:${port}${pathname}`, ...tls }),
    stop: () => server.stop(),
    restart: () => server.resume(),
    untilJobsRan: async () => {
      // The renewal of its lease is the last job that an isolate runs for the first time.
      const leases = async () => {
        const rows = await database.sql<
          { at: number }[]
        >`select expires_at::float8 as at from rooms.isolates`;
        return Math.min(...rows.map(({ at }) => at));
      };
      const first = await leases();
      await eventually(leases, (now) => now > first, JOBS_MS);
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** Redis with an append-only file. */
export const onRedis: BackendKind = {
  name: "redis",
  isMissing: isWithoutRedis,
  start: () => startRedis(["--appendonly", "yes"]),
};

/** Redis without persistence: a restart loses everything. */
export const onRedisInMemory: BackendKind = {
  name: "redis without persistence",
  isMissing: isWithoutRedis,
  start: () => startRedis([]),
};

async function startRedis(settings: readonly string[]): Promise<Backend> {
  const server = await RedisProcess.start({ settings });
  return {
    port: server.port,
    env: (port) => ({ REDIS_URL: `redis://127.0.0.1:${port}` }),
    stop: () => server.stop(),
    restart: () => server.startAgain(),
    untilJobsRan: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
