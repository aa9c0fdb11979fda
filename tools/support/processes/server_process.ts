import { deadline } from "@std/async";
import { readLines } from "./read_lines.ts";

const START_PATIENCE_MS = 20_000;

/** How a server is started. */
export interface ServerProcessOptions {
  /** What errors call it. */
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** A directory of its own: goes with it. */
  readonly directory: string;
  /** Part of the line on stderr that says that it listens. */
  readonly listeningLine: string;
}

/** A server that is not ours, in a directory of its own. `await using` kills it and removes the directory. */
export class ServerProcess implements AsyncDisposable {
  /** What it wrote to stderr so far. */
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #directory: string;
  readonly #reading: Promise<void>;
  readonly #listening = Promise.withResolvers<void>();

  private constructor(
    { command: [program = "", ...args], cwd, directory, listeningLine }: ServerProcessOptions,
  ) {
    this.#directory = directory;
    const outputs = { stdin: "null", stdout: "null", stderr: "piped" } as const;
    this.#child = new Deno.Command(program, { args, cwd, ...outputs }).spawn();
    this.#reading = readLines(this.#child.stderr, (line) => {
      this.lines.push(line);
      if (line.includes(listeningLine)) this.#listening.resolve();
    });
  }

  /** Starts one; resolves when it listens. @throws {Error} with what it said, when it ends instead */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options);
    try {
      const ended = server.#child.status.then(async () => {
        await server.#reading;
        throw new Error(`${options.name} ended: ${server.lines.join("\n")}`);
      });
      await deadline(Promise.race([server.#listening.promise, ended]), START_PATIENCE_MS);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#reading;
    await Deno.remove(this.#directory, { recursive: true });
  }
}
