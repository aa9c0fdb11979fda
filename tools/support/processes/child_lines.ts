import { readLines } from "./read_lines.ts";

/** Program that runs as a child process. */
export interface ChildCommand {
  readonly path: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Complete environment; by default the child inherits this process' environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Treatment of a child's lines. */
interface ChildOptions {
  /** Program's name in error messages. */
  readonly name: string;
  /** True if the child's input is a pipe for `send`; it is empty by default. */
  readonly hasInput?: boolean;
  /** Lines to keep per output, the newest. Default: 10,000. */
  readonly keptLines?: number;
  readonly onLine?: (line: string, output: ChildOutput) => void;
}

type ChildOutput = "stdout" | "stderr";

const KEPT_LINES = 10_000;
/** Lines of stderr in an error message. */
const SHOWN_LINES = 20;

const running = new Set<ChildLines>();

/** Kills all children that are still running; for signal handlers. */
export function killAllChildren(): void {
  for (const child of running) child.signal("SIGKILL");
}

/**
 * Child process whose outputs are read as lines, to their end: a full pipe would block the child.
 * Nothing that a child writes reaches this process' own outputs. `await using` kills the child.
 */
export class ChildLines implements AsyncDisposable {
  /** Kept lines so far. */
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Resolves when the child has ended and both outputs are read. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #options: ChildOptions;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  readonly #waiting = new Set<(line: string) => void>();
  readonly #abandoned = new Set<(reason: Error) => void>();
  #hasEnded = false;

  constructor({ path, args, cwd, env }: ChildCommand, options: ChildOptions) {
    this.#options = options;
    this.#process = new Deno.Command(path, {
      args: [...args],
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env: { ...env }, clearEnv: true }),
      stdin: options.hasInput ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = options.hasInput ? this.#process.stdin.getWriter() : undefined;
    running.add(this);
    this.ended = this.#end();
  }

  get pid(): number {
    return this.#process.pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Waits for the first line of either output, kept ones included, that `select` maps to a value.
   *
   * @throws {Error} with the end of stderr, when the child ends first or after `timeoutMs`
   */
  async find<T>(select: (line: string) => T | undefined, timeoutMs: number): Promise<T> {
    for (const line of [...this.stdout, ...this.stderr]) {
      const value = select(line);
      if (value !== undefined) return value;
    }
    if (this.#hasEnded) throw this.failure("has ended");
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const take = (line: string): void => {
      const value = select(line);
      if (value !== undefined) resolve(value);
    };
    const timer = setTimeout(() => reject(this.failure(`did not say it within ${timeoutMs} ms`)), timeoutMs);
    this.#waiting.add(take);
    this.#abandoned.add(reject);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(take);
      this.#abandoned.delete(reject);
    }
  }

  /** Writes a line to the child's input; does nothing once the child has ended. */
  async send(line: string): Promise<void> {
    // A broken pipe means that the child has ended; `ended` and `find` report that.
    await this.#input?.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
  }

  /** Sends a signal; does nothing once the child has ended. */
  signal(name: Deno.Signal): void {
    try {
      this.#process.kill(name);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Error that names the child and shows the end of its stderr. */
  failure(what: string): Error {
    const shown = this.stderr.slice(-SHOWN_LINES).join("\n");
    return new Error(`${this.#options.name} (process ${this.pid}) ${what}; the end of its stderr:\n${shown}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.#input?.abort().catch(() => {});
    await this.ended;
  }

  async #end(): Promise<Deno.CommandStatus> {
    const { status, stdout, stderr } = this.#process;
    await Promise.all([this.#read(stdout, "stdout"), this.#read(stderr, "stderr")]);
    const ended = await status;
    this.#hasEnded = true;
    running.delete(this);
    for (const abandon of this.#abandoned) abandon(this.failure("has ended"));
    await this.#input?.abort().catch(() => {});
    return ended;
  }

  async #read(stream: ReadableStream<Uint8Array>, output: ChildOutput): Promise<void> {
    const { keptLines = KEPT_LINES, onLine } = this.#options;
    const kept = this[output];
    await readLines(stream, (line) => {
      if (keptLines > 0) kept.push(line);
      if (kept.length > keptLines) kept.shift();
      onLine?.(line, output);
      for (const take of this.#waiting) take(line);
    });
  }
}
