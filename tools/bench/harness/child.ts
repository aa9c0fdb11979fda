import { TextLineStream } from "./text_lines.ts";

/** How to start a child process. */
export interface ChildCommand {
  readonly path: string;
  readonly args: readonly string[];
  /** Decides which deno.json counts. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const running = new Set<Deno.ChildProcess>();

/** Kills, by their process ids, all children that are still running: for signal handlers. */
export function killAllChildren(): void {
  for (const process of running) kill(process);
}

function kill(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL");
  } catch (error) {
    // It has ended a moment ago.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * A child process that speaks JSON lines on stdout, and on stdin where it is asked something.
 *
 * What is on stdout but is not JSON is dropped; of stderr the end is kept for error messages. Disposing kills it.
 */
export class Child {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Set<{ take: (message: object) => boolean; fail: (reason: Error) => void }>();
  readonly #drained: Promise<unknown>;
  #errors = "";
  #ended = false;

  constructor(command: ChildCommand) {
    this.#process = new Deno.Command(command.path, {
      args: [...command.args],
      cwd: command.cwd,
      env: command.env,
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    running.add(this.#process);
    this.#input = this.#process.stdin.getWriter();
    this.#drained = Promise.allSettled([this.#readMessages(), this.#readErrors()]);
    void this.#process.status.then(() => {
      running.delete(this.#process);
      this.#ended = true;
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /**
   * Waits for the first message that `select` maps to a value.
   *
   * @throws {Error} when the process ends first, or after `timeoutMs`.
   */
  async receive<T>(select: (message: object) => T | undefined, timeoutMs: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter = {
      take: (message: object): boolean => {
        const value = select(message);
        if (value !== undefined) resolve(value);
        return value !== undefined;
      },
      fail: reject,
    };
    this.#waiting.add(waiter);
    const timer = setTimeout(() => reject(this.#failure(`said nothing for ${timeoutMs} ms`)), timeoutMs);
    if (this.#ended) reject(this.#failure("has ended"));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(waiter);
    }
  }

  /** Sends one JSON line to the child's stdin. */
  async send(message: object): Promise<void> {
    await this.#input.write(new TextEncoder().encode(JSON.stringify(message) + "\n"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) kill(this.#process);
    await this.#process.status;
    await this.#drained;
    await this.#input.abort().catch(() => {});
  }

  async #readMessages(): Promise<void> {
    const lines = this.#process.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    for await (const line of lines) {
      const message = parseObject(line);
      if (message === undefined) continue;
      for (const waiter of this.#waiting) {
        if (waiter.take(message)) break;
      }
    }
    for (const waiter of this.#waiting) waiter.fail(this.#failure("ended"));
  }

  async #readErrors(): Promise<void> {
    for await (const text of this.#process.stderr.pipeThrough(new TextDecoderStream())) {
      this.#errors = (this.#errors + text).slice(-2_000);
    }
  }

  #failure(what: string): Error {
    return new Error(`process ${this.pid} ${what}; end of its stderr:\n${this.#errors}`);
  }
}

function parseObject(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
