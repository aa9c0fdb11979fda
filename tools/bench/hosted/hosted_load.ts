import { projectCommand } from "../../support/processes/deno_command.ts";
import { JobProcess } from "../../support/processes/job_process.ts";
import type { BurstJob, HostedJob, JoinJob, JoinResult, PacedJob, TrafficResult } from "./hosted_jobs.ts";

/** Members in a separate process. `await using` ends it. */
export class HostedLoad implements AsyncDisposable {
  readonly #process: JobProcess;

  private constructor(process: JobProcess) {
    this.#process = process;
  }

  /** Starts the process with the Deno that runs the bench. */
  static async start(): Promise<HostedLoad> {
    const command = projectCommand(new URL("./hosted_load_main.ts", import.meta.url));
    return new HostedLoad(await JobProcess.start(command, "The hosted members"));
  }

  async join(job: Omit<JoinJob, "type">): Promise<JoinResult> {
    return await this.#ask({ type: "join", ...job }) as JoinResult; // hosted_load_main.ts answers the job with it
  }

  /** Opens members. @throws {Error} if one cannot join */
  async joinAll(job: Omit<JoinJob, "type">): Promise<void> {
    const { joined, refused } = await this.join(job);
    if (joined < job.urls.length) throw new Error(`${joined} joined, others not: ${JSON.stringify(refused)}`);
  }

  /** Publishes periodically. @throws {Error} if a publish is refused */
  async publishPaced(job: Omit<PacedJob, "type">): Promise<TrafficResult> {
    return checked(await this.#ask({ type: "paced", ...job }));
  }

  /** Publishes without a pause. @throws {Error} if a publish is refused */
  async publishBurst(job: Omit<BurstJob, "type">): Promise<TrafficResult> {
    return checked(await this.#ask({ type: "burst", ...job }));
  }

  async close(group: string): Promise<void> {
    await this.#ask({ type: "close", group });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }

  #ask(job: HostedJob): Promise<unknown> {
    return this.#process.ask(job);
  }
}

function checked(answer: unknown): TrafficResult {
  const traffic = answer as TrafficResult; // hosted_load_main.ts answers paced and burst with it
  if (traffic.errors > 0) throw new Error(`${traffic.errors} publishes were refused`);
  return traffic;
}
