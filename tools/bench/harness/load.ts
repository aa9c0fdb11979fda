import { projectCommand } from "../../support/processes/deno_command.ts";
import { JobProcess } from "../../support/processes/job_process.ts";
import type { LoadAnswer, LoadJob, LoadResult } from "../load/job.ts";

/** Limit of a job beyond its traffic, in milliseconds. */
const MARGIN_MS = 120_000;

/** Load generator in a process of its own. `await using` ends it. */
export class Load implements AsyncDisposable {
  readonly #process: JobProcess;
  #busyMs = 0;

  private constructor(process: JobProcess) {
    this.#process = process;
  }

  /** Starts the process with the Deno that runs the bench. */
  static async start(): Promise<Load> {
    const command = projectCommand(new URL("../load/main.ts", import.meta.url));
    return new Load(await JobProcess.start(command, "The load generator"));
  }

  /** Time that finished jobs had bytes to receive or send, in milliseconds since the start. */
  get busyMs(): number {
    return this.#busyMs;
  }

  /**
   * Runs a job; returns its result.
   * @throws {Error} if a socket cannot join and its job does not allow that, or the job fails
   */
  async run<Job extends LoadJob>(job: Job): Promise<LoadResult<Job>> {
    const timeoutMs = MARGIN_MS + ("forMs" in job ? job.forMs : 0);
    const answer = await this.#process.ask(job, timeoutMs) as LoadAnswer<Job>; // of load/main.ts
    this.#busyMs += answer.busyMs;
    return answer.result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
