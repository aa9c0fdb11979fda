import { projectCommand } from "../../support/processes/deno_command.ts";
import { JobProcess } from "../../support/processes/job_process.ts";
import type {
  BurstJob,
  EchoJob,
  FanOutJob,
  LoadAnswer,
  LoadJob,
  OpenJob,
  OpenResult,
  PacedJob,
  TrafficResult,
} from "../load/job.ts";

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

  /** Opens sockets. @throws {Error} if one cannot join */
  async open(job: Omit<OpenJob, "type">): Promise<void> {
    const { joined, refused } = await this.offer(job);
    if (joined < job.urls.length) throw new Error(`${joined} joined, others not: ${JSON.stringify(refused)}`);
  }

  /** Opens as many sockets as the server accepts. */
  async offer(job: Omit<OpenJob, "type">): Promise<OpenResult> {
    return await this.#ask({ type: "open", ...job }) as OpenResult; // load/main.ts answers with it
  }

  async echo(job: Omit<EchoJob, "type">): Promise<void> {
    await this.#ask({ type: "echo", ...job });
  }

  /** Publishes into a room. @throws {Error} if a publish is refused */
  async publish(job: FanOutJob | BurstJob | PacedJob): Promise<TrafficResult> {
    return await this.#ask(job) as TrafficResult; // as above
  }

  async close(group: string): Promise<void> {
    await this.#ask({ type: "close", group });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }

  async #ask(job: LoadJob): Promise<LoadAnswer["result"]> {
    const answer = await this.#process.ask(job) as LoadAnswer; // as above
    this.#busyMs += answer.busyMs;
    return answer.result;
  }
}
