import { projectCommand } from "../support/processes/deno_command.ts";
import { JobProcess } from "../support/processes/job_process.ts";
import type { LoadAnswers, LoadCommand } from "./soak_jobs.ts";

/** Bound on every command but `join`: the machine may be busy. */
const PATIENCE_MS = 30_000;
/** Bound on `join`: in one room each member receives an event about every other. */
const JOIN_PATIENCE_MS = 120_000;
const JOIN_PATIENCE_MS_EACH = 300;

/** Clients in a process of their own, apart from the process that counts. `await using` kills it, without a close frame. */
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

  /** Has a command done. @throws {Error} when it fails or takes too long, or the process ends */
  async ask<Command extends LoadCommand>(command: Command): Promise<LoadAnswers[Command["type"]]> {
    const patienceMs = command.type === "join"
      ? JOIN_PATIENCE_MS + command.members.length * JOIN_PATIENCE_MS_EACH
      : PATIENCE_MS;
    // soak_load_main.ts types its answers.
    return await this.#process.ask(command, patienceMs) as LoadAnswers[Command["type"]];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
