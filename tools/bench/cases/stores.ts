import { createTestDatabase } from "../../support/postgres/database.ts";
import { PostgresServer } from "../../support/postgres/server.ts";
import { JobProcess } from "../../support/processes/job_process.ts";
import { RedisProcess } from "../../support/redis/redis_process.ts";
import type { LatencyJob, StoreJob, StoreName, ThroughputJob } from "../stores/job.ts";
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

/** Process that measures a store. `await using` ends it. */
export class StoreWorker implements AsyncDisposable {
  readonly #process: JobProcess;

  private constructor(process: JobProcess) {
    this.#process = process;
  }

  /** Starts the process on the Deno version of the case. */
  static async start(context: CaseContext): Promise<StoreWorker> {
    const { name, command } = await context.prepare(benchProgram("stores", "stores/main.ts"));
    return new StoreWorker(await JobProcess.start(command, name));
  }

  async connect(store: StoreName, url: string, rooms: readonly [string, string]): Promise<void> {
    await this.#ask({ type: "connect", store, url, rooms });
  }

  /** Measures round trips, in milliseconds each. */
  async latencies(job: Omit<LatencyJob, "type">): Promise<number[]> {
    return await this.#ask({ type: "latencies", ...job }) as number[]; // stores/main.ts answers with them
  }

  /** Measures a rate per second. */
  async rate(job: Omit<ThroughputJob, "type">): Promise<number> {
    return await this.#ask({ type: "throughput", ...job }) as number; // as above
  }

  #ask(job: StoreJob): Promise<unknown> {
    return this.#process.ask(job);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
