import type { ChildCommand } from "../harness/child.ts";
import { WorkerProcess } from "../harness/worker_process.ts";
import type { BurstJob, HeardResult, HostedJob, JoinJob, JoinResult, TalkJob } from "./load_job.ts";

/** Members in a process of its own. `await using` ends it. */
export class HostedLoad implements AsyncDisposable {
  readonly #process: WorkerProcess;

  private constructor(process: WorkerProcess) {
    this.#process = process;
  }

  /** Starts the process, on the Deno that runs the bench. */
  static async start(): Promise<HostedLoad> {
    const entry = new URL("./load_main.ts", import.meta.url).pathname;
    const command: ChildCommand = {
      path: Deno.execPath(),
      args: ["run", "--no-check", "-A", "--no-lock", entry],
      cwd: Deno.cwd(),
      env: { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "", DENO_NO_UPDATE_CHECK: "1" },
    };
    return new HostedLoad(await WorkerProcess.start(command));
  }

  /** Opens members. */
  async join(job: Omit<JoinJob, "type">): Promise<JoinResult> {
    return await this.#ask({ type: "join", ...job }) as JoinResult; // load_main.ts answers the job with it
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
  const heard = answer as HeardResult; // load_main.ts answers talk and burst with it
  if (heard.errors > 0) throw new Error(`${heard.errors} publishes were refused`);
  return heard;
}
