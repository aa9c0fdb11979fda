import type { BackplaneName } from "../../support/backplane_store.ts";
import { createTestDatabase } from "../../support/postgres/database.ts";
import { PostgresServer } from "../../support/postgres/server.ts";
import { RedisProcess } from "../../support/redis/redis_process.ts";

/** Store server of the bench. `await using` ends it. */
interface RunningStore extends AsyncDisposable {
  readonly url: string;
}

/**
 * Starts a store: Redis without persistence, or Postgres with the migrations applied. `isSafe`
 * flushes to disk before the answer, as a project's database does.
 */
export async function startStore(store: BackplaneName, isSafe: boolean = false): Promise<RunningStore> {
  if (store === "redis") return await RedisProcess.start();
  const server = await PostgresServer.start(isSafe ? ["fsync=on", "full_page_writes=on"] : []);
  const { url } = await createTestDatabase({ server: server.url });
  return { url, [Symbol.asyncDispose]: () => server.stop("immediate") };
}
