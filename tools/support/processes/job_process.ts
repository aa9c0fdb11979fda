import { deadline } from "@std/async";
import { type ChildCommand, ChildLines } from "./child_lines.ts";
import { parseJsonLine } from "./json_line.ts";
import type { JobAnswer } from "./serve_jobs.ts";

const READY_TIMEOUT_MS = 20_000;
const ANSWER_TIMEOUT_MS = 120_000;
/** Other lines of a worker only explain a failure. */
const KEPT_LINES = 100;

/**
 * Process that runs jobs on request, such as a load generator; serve_jobs.ts is the other end.
 * `await using` kills it.
 */
export class JobProcess implements AsyncDisposable {
  readonly #child: ChildLines;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #ready = Promise.withResolvers<void>();
  #lastId = 0;

  private constructor(command: ChildCommand, name: string) {
    this.#child = new ChildLines(command, {
      name,
      hasInput: true,
      keptLines: KEPT_LINES,
      onLine: (line, output) => {
        if (output === "stdout") this.#take(line);
      },
    });
    void this.#child.ended.then(() => {
      const failure = this.#child.failure("has ended");
      this.#ready.reject(failure);
      for (const { reject } of this.#waiting.values()) reject(failure);
    });
    this.#ready.promise.catch(() => {/* start() reports it */});
  }

  /**
   * Starts the process and waits until it is ready.
   * @throws {Error} with the end of its stderr otherwise
   */
  static async start(command: ChildCommand, name: string): Promise<JobProcess> {
    const started = new JobProcess(command, name);
    try {
      await deadline(started.#ready.promise, READY_TIMEOUT_MS);
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Runs a job; resolves with its answer.
   * @throws {Error} if the job fails or times out, or the process ends
   */
  async ask(job: object, timeoutMs: number = ANSWER_TIMEOUT_MS): Promise<unknown> {
    if (this.#child.hasEnded) throw this.#child.failure("has ended");
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    try {
      const [given] = await Promise.all([
        deadline(answer.promise, timeoutMs),
        this.#child.send(JSON.stringify({ id, job })),
      ]);
      return given;
    } catch (cause) {
      const name = "type" in job ? String(job.type) : "a job";
      throw new Error(`${name} failed: ${cause instanceof Error ? cause.message : cause}`, { cause });
    } finally {
      this.#waiting.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }

  #take(line: string): void {
    // serve_jobs.ts prints no other objects.
    const answer = parseJsonLine(line) as JobAnswer | undefined;
    if (!answer) return;
    if ("ready" in answer) return this.#ready.resolve();
    const waiting = this.#waiting.get(answer.id);
    if ("error" in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.answer);
  }
}
