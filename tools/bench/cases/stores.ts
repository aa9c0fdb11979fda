import { createTestDatabase } from "../../support/postgres/database.ts";
import { PostgresServer } from "../../support/postgres/server.ts";
import { JobProcess } from "../../support/processes/job_process.ts";
import { RedisProcess } from "../../support/redis/redis_process.ts";
import type { StoreJobOf, StoreName } from "../stores/job.ts";
import { benchProgram, type CaseContext } from "./context.ts";

/** Store server of the bench. `await using` ends it. */
export interface RunningStore extends AsyncDisposable {
  readonly url: string;
}

/**
 * Starts a store: Redis without persistence, or Postgres with the migrations applied. `isSafe`
 * flushes to disk before the answer, as a project's database does.
 */
export async function startStore(store: StoreName, isSafe: boolean = false): Promise<RunningStore> {
  if (store === "redis") return await RedisProcess.start();
  const server = await PostgresServer.start(isSafe ? ["fsync=on", "full_page_writes=on"] : []);
  const { url } = await createTestDatabase({ server: server.url });
  return { url, [Symbol.asyncDispose]: () => server.stop("immediate") };
}

/** Starts the process that measures a store, on the Deno version of the case. */
export async function startStoreWorker(context: CaseContext): Promise<JobProcess> {
  const { name, command } = await context.prepare(benchProgram("stores", "stores/main.ts"));
  return await JobProcess.start(command, name);
}

/** Measures round trips, in milliseconds each. */
export async function askLatencies(
  worker: JobProcess,
  job: Omit<StoreJobOf<"latencies">, "type">,
): Promise<number[]> {
  return await worker.ask({ type: "latencies", ...job }) as number[]; // stores/main.ts answers with them
}

/** Measures a rate per second. */
export async function askRate(
  worker: JobProcess,
  job: Omit<StoreJobOf<"throughput">, "type">,
): Promise<number> {
  return await worker.ask({ type: "throughput", ...job }) as number; // as above
}
