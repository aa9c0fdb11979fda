import { deadline } from "@std/async";
import { readLines } from "../support/processes/read_lines.ts";
import type { LoadAnswers, LoadCommand, LoadResponse } from "./load_job.ts";

const MAIN = new URL("load_main.ts", import.meta.url);
const PROJECT = new URL("../../", import.meta.url);

/** How long anything but joining may take: the machine may be busy. */
const PATIENCE_MS = 30_000;
/** How long the members of a process may take to join: in one room each is told of all others. */
const JOIN_PATIENCE_MS = 120_000;
const JOIN_PATIENCE_MS_EACH = 300;

/** A process of members of its own: the load must not share a CPU's turn with what counts it. `await using` ends it. */
export class LoadProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #reading: Promise<void>;
  #lastId = 0;
  #hasEnded = false;

  constructor() {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-net", "--allow-env", "--no-check", "--frozen", MAIN.href],
      cwd: PROJECT,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = readLines(this.#child.stdout, (line) => this.#take(JSON.parse(line))).then(() => {
      this.#hasEnded = true;
      for (const { reject } of this.#waiting.values()) reject(new Error("A load process has ended."));
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Asks for something. @throws {Error} when it fails, takes too long, or the process ends */
  async ask<Command extends LoadCommand>(command: Command): Promise<LoadAnswers[Command["type"]]> {
    if (this.#hasEnded) throw new Error("A load process has ended.");
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    await this.#input.write(new TextEncoder().encode(JSON.stringify({ id, command }) + "\n"));
    try {
      const patience = command.type === "join"
        ? JOIN_PATIENCE_MS + command.members.length * JOIN_PATIENCE_MS_EACH
        : PATIENCE_MS;
      // What load_main.ts answers is typed there.
      return await deadline(answer.promise, patience) as LoadAnswers[Command["type"]];
    } catch (cause) {
      throw new Error(`A load process did not do ${command.type}`, { cause });
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** Ends it with all its members, without a word to anybody. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended a moment ago.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#reading;
    await this.#input.abort().catch(() => {/* nobody reads it any more */});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #take({ id, answer, error }: LoadResponse): void {
    const waiting = this.#waiting.get(id);
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(error));
  }
}
