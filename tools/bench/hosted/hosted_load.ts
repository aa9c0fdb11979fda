import { projectCommand } from "../../support/processes/deno_command.ts";
import { JobProcess } from "../../support/processes/job_process.ts";
import type { BurstJob, HeardResult, HostedJob, JoinJob, JoinResult, TalkJob } from "./hosted_jobs.ts";

/** Members in a process of its own. `await using` ends it. */
export class HostedLoad implements AsyncDisposable {
  readonly #process: JobProcess;

  private constructor(process: JobProcess) {
    this.#process = process;
  }

  /** Starts the process, on the Deno that runs the bench. */
  static async start(): Promise<HostedLoad> {
    const command = projectCommand(new URL("./hosted_load_main.ts", import.meta.url));
    return new HostedLoad(await JobProcess.start(command, "The hosted members"));
  }

  /** Opens members. */
  async join(job: Omit<JoinJob, "type">): Promise<JoinResult> {
    return await this.#ask({ type: "join", ...job }) as JoinResult; // hosted_load_main.ts answers the job with it
  }

  /** Opens members, all of whom have to get in. @throws {Error} where one does not */
  async joinAll(job: Omit<JoinJob, "type">): Promise<void> {
    const { joined, refused } = await this.join(job);
    if (joined < job.urls.length) throw new Error(`${joined} joined, others not: ${JSON.stringify(refused)}`);
  }

  /** Has members talk at their paces. @throws {Error} where a publish is refused */
  async talk(job: Omit<TalkJob, "type">): Promise<HeardResult> {
    return checked(await this.#ask({ type: "talk", ...job }));
  }

  /** Has members publish without a pause. @throws {Error} where a publish is refused */
  async burst(job: Omit<BurstJob, "type">): Promise<HeardResult> {
    return checked(await this.#ask({ type: "burst", ...job }));
  }

  /** Closes a group's sockets. */
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

function checked(answer: unknown): HeardResult {
  const heard = answer as HeardResult; // hosted_load_main.ts answers talk and burst with it
  if (heard.errors > 0) throw new Error(`${heard.errors} publishes were refused`);
  return heard;
}
