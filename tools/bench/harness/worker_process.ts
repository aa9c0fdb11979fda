import { Child, type ChildCommand } from "./child.ts";

const READY_TIMEOUT_MS = 20_000;
const ANSWER_TIMEOUT_MS = 120_000;

/** A process that does one job at a time on request: the load generator, the token verifier. */
export class WorkerProcess implements AsyncDisposable {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  /** Starts the process and waits until it says `{"ready":true}`. */
  static async start(command: ChildCommand): Promise<WorkerProcess> {
    const child = new Child(command);
    try {
      await child.receive((message) => "ready" in message ? true : undefined, READY_TIMEOUT_MS);
      return new WorkerProcess(child);
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Has a job done; resolves with its answer, if it has one, when it is done.
   *
   * @throws {Error} when the process reports a failure, ends, or needs longer than two minutes.
   */
  async ask(job: object): Promise<unknown> {
    const answer = this.#child.receive(
      (message) => "done" in message || "error" in message ? message : undefined,
      ANSWER_TIMEOUT_MS,
    );
    await Promise.all([answer, this.#child.send(job)]);
    const message = await answer;
    if ("error" in message) throw new Error(`job failed: ${String(message.error)}`);
    return "answer" in message ? message.answer : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
