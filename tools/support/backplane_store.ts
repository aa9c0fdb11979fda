import type { SeededRandom } from "./seeded_random.ts";
import { createTestDatabase } from "./postgres/database.ts";
import { PostgresServer } from "./postgres/server.ts";
import { RedisProcess } from "./redis/redis_process.ts";

/** Backplanes that a store serves. */
export const BACKPLANES = ["postgres", "redis"] as const;
/** The name of one. */
export type BackplaneName = (typeof BACKPLANES)[number];

/** A server of our own that isolates share rooms by. `await using` ends it. */
export interface Store extends AsyncDisposable {
  /** Variables that point the function to the store. */
  readonly env: Readonly<Record<string, string>>;
  /** Cuts some of the connections to it, drawn; returns how many. */
  cut(random: SeededRandom): Promise<number>;
}

/** Of the connections that there are, one in so many is cut. */
const CUT_SHARE = 3;

/** Starts a server. @throws {Error} where this machine has none, or it does not start */
export async function startStore(name: BackplaneName): Promise<Store> {
  return name === "postgres" ? await startPostgres() : await startRedis();
}

async function startPostgres(): Promise<Store> {
  const server = await PostgresServer.start();
  const database = await createTestDatabase({ server: server.url });
  return {
    env: { SUPABASE_DB_URL: database.url },
    async cut(random) {
      const rows = await database.sql<{ pid: number }[]>`
        select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() order by pid`;
      const chosen = rows.filter(() => random.below(CUT_SHARE) === 0);
      for (const { pid } of chosen) await database.sql`select pg_terminate_backend(${pid})`;
      return chosen.length;
    },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await server.stop("immediate");
    },
  };
}

async function startRedis(): Promise<Store> {
  const redis = await RedisProcess.start();
  return {
    env: { REDIS_URL: redis.url },
    async cut(random) {
      const clients = (await redis.command("client", "list")).split("\n");
      // Not the one that asks.
      const others = clients.filter((client) => !client.includes(" cmd=client|list"));
      const ids = others.flatMap((client) => /^id=(\d+)/.exec(client)?.[1] ?? []);
      const chosen = ids.filter(() => random.below(CUT_SHARE) === 0);
      // One that has gone by itself since is not there to be killed.
      for (const id of chosen) await redis.command("client", "kill", "id", id);
      return chosen.length;
    },
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}
