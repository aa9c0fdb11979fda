import { deadline } from "@std/async";
import { type ChildCommand, ChildLines } from "./child_lines.ts";
import { parseJsonLine } from "./json_line.ts";
import type { JobAnswer } from "./serve_jobs.ts";

const READY_PATIENCE_MS = 20_000;
const ANSWER_PATIENCE_MS = 120_000;
/** Answers are consumed at once; what else a worker prints only explains a failure. */
const KEPT_LINES = 100;

/** Process that does jobs on request, such as a load generator; serve_jobs.ts is its other end. `await using` kills it. */
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

  /** Starts the process and waits until it serves. @throws {Error} with the end of its stderr, when it does not */
  static async start(command: ChildCommand, name: string): Promise<JobProcess> {
    const started = new JobProcess(command, name);
    try {
      await deadline(started.#ready.promise, READY_PATIENCE_MS);
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Has a job done; resolves with its answer. @throws {Error} when the job fails or takes too long, or the process ends */
  async ask(job: object, patienceMs: number = ANSWER_PATIENCE_MS): Promise<unknown> {
    if (this.#child.hasEnded) throw this.#child.failure("has ended");
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    try {
      const [given] = await Promise.all([
        deadline(answer.promise, patienceMs),
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
    const said = parseJsonLine(line) as JobAnswer | undefined;
    if (!said) return;
    if ("ready" in said) return this.#ready.resolve();
    const waiting = this.#waiting.get(said.id);
    if ("error" in said) waiting?.reject(new Error(said.error));
    else waiting?.resolve(said.answer);
  }
}
