import { createTestDatabase } from "../../support/postgres/database.ts";
import { PostgresServer } from "../../support/postgres/server.ts";
import { RedisProcess } from "../../support/redis/redis_process.ts";
import type { PreparedProgram } from "../harness/program.ts";
import { JobProcess } from "../../support/processes/job_process.ts";
import type { LatencySide, StoreJob } from "../stores/store_job.ts";
import { benchProgram, type CaseContext } from "./context.ts";

/** Store server of the bench. */
export interface RunningStore extends AsyncDisposable {
  readonly url: string;
}

/**
 * Starts Postgres with the migrations applied. `isSafe` flushes to disk before the answer, as a
 * project's database does.
 */
export async function startPostgres({ isSafe }: { readonly isSafe: boolean }): Promise<RunningStore> {
  const server = await PostgresServer.start(isSafe ? ["fsync=on", "full_page_writes=on"] : []);
  const { url } = await createTestDatabase({ server: server.url });
  return { url, [Symbol.asyncDispose]: () => server.stop("immediate") };
}

/** Starts Redis without persistence. */
export async function startRedis(): Promise<RunningStore> {
  const server = await RedisProcess.start();
  return { url: server.url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Prepares the worker for the Deno version of the case. */
export function prepareStoreWorker(context: CaseContext): Promise<PreparedProgram> {
  return context.prepare(benchProgram("stores", "stores/store_worker_main.ts"));
}

export function startStoreWorker({ name, command }: PreparedProgram): Promise<JobProcess> {
  return JobProcess.start(command, name);
}

/** Measures round trips, in milliseconds each. */
export async function askLatencies(
  worker: JobProcess,
  side: LatencySide,
  count: number,
): Promise<number[]> {
  const job: StoreJob = { type: "latencies", side, count };
  return await worker.ask(job) as number[]; // stores/store_worker_main.ts answers this job with them
}

/** Measures a rate per second. */
export async function askRate(
  worker: JobProcess,
  job: Omit<Extract<StoreJob, { type: "throughput" }>, "type">,
): Promise<number> {
  return await worker.ask({ type: "throughput", ...job }) as number; // as above
}
