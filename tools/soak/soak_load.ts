import { projectCommand } from "../support/processes/deno_command.ts";
import { JobProcess } from "../support/processes/job_process.ts";
import type { LoadAnswers, LoadCommand } from "./soak_jobs.ts";

/** Bound on every command but `join`: the machine may be busy. */
const TIMEOUT_MS = 30_000;
/** Bound on `join`: in one room each member receives an event about every other. */
const JOIN_TIMEOUT_MS = 120_000;
const JOIN_TIMEOUT_MS_EACH = 300;

/** Clients in a separate process. `await using` kills it, without a close frame. */
export class SoakLoad implements AsyncDisposable {
  readonly #process: JobProcess;

  private constructor(process: JobProcess) {
    this.#process = process;
  }

  /** @throws {Error} when the process does not start */
  static async start(): Promise<SoakLoad> {
    const command = projectCommand(new URL("./soak_load_main.ts", import.meta.url));
    return new SoakLoad(await JobProcess.start(command, "The soak's load"));
  }

  /** Runs a command. @throws {Error} if it fails, times out, or the process ends */
  async ask<Command extends LoadCommand>(command: Command): Promise<LoadAnswers[Command["type"]]> {
    const timeoutMs = command.type === "join"
      ? JOIN_TIMEOUT_MS + command.members.length * JOIN_TIMEOUT_MS_EACH
      : TIMEOUT_MS;
    // soak_load_main.ts types its answers.
    return await this.#process.ask(command, timeoutMs) as LoadAnswers[Command["type"]];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
