import { fileURLToPath as fromFileUrl } from "node:url";
import { type HostLine, parseWorkerLine, type WorkerLine } from "./control.ts";

/** How worker processes are started. */
export interface WorkerCommand {
  /** Deno binary. */
  readonly deno: string;
  /** The function's entry. */
  readonly entry: URL;
  /** The environment, all of it. */
  readonly env: Readonly<Record<string, string>>;
}

/** What becomes of a worker's output. */
export interface WorkerListener {
  readonly onSaid: (line: WorkerLine) => void;
  /** A line of the function's, without its end. */
  readonly onOutput: (line: string) => void;
}

const BOOTSTRAP = new URL("./worker.ts", import.meta.url);
/** `-A` with `--deny-write` lets Deno 2.1.4 write; so what is allowed is listed. */
const PERMISSIONS = [
  "--allow-net",
  "--allow-env",
  "--allow-read",
  "--allow-sys",
  "--allow-import",
  "--deny-write",
  "--deny-run",
  "--deny-ffi",
  "--no-prompt",
];

/** One worker: a Deno process with the bootstrap. Made running; ends when it is killed, or when the host is gone. */
export class WorkerProcess {
  /** How it ended, once all its output has been read. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  constructor({ deno, entry, env }: WorkerCommand, { onSaid, onOutput }: WorkerListener) {
    this.#process = new Deno.Command(deno, {
      args: ["run", "--no-check", ...PERMISSIONS, ...configuration(entry), BOOTSTRAP.href],
      clearEnv: true,
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    const mark = `\u0001${crypto.randomUUID()} `;
    const read = Promise.all([
      readLines(this.#process.stdout, (line) => {
        const said = parseWorkerLine(line, mark);
        if (said) onSaid(said);
        else onOutput(line);
      }),
      readLines(this.#process.stderr, onOutput),
    ]);
    this.ended = this.#end(read);
    this.tell({ mark });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Tells the worker something; does nothing when it is gone. */
  tell(line: HostLine): void {
    this.#input.write(new TextEncoder().encode(`${JSON.stringify(line)}\n`)).catch(() => {
      // It has ended: `ended` says so.
    });
  }

  /** Ends it at once, without a word to its sockets; does nothing when it has ended. */
  kill(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #end(read: Promise<unknown>): Promise<Deno.CommandStatus> {
    const status = await this.#process.status;
    await read;
    await this.#input.abort().catch(() => {});
    return status;
  }
}

/** The function's own configuration counts, as at a deployment; without one, nobody's. No lock file is made where there is none. */
function configuration(entry: URL): string[] {
  for (const name of ["deno.json", "deno.jsonc"]) {
    const file = new URL(name, entry);
    if (exists(file)) return [`--config=${fromFileUrl(file)}`, ...(isLocked(entry) ? [] : ["--no-lock"])];
  }
  return ["--no-config", "--no-lock"];
}

/** Whether there is a lock file in the function's folder or above it. */
function isLocked(entry: URL): boolean {
  for (let folder = new URL(".", entry);;) {
    if (exists(new URL("deno.lock", folder))) return true;
    const above = new URL("..", folder);
    if (above.href === folder.href) return false;
    folder = above;
  }
}

function exists(file: URL): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Reads to the end, whatever becomes of the lines: a full pipe would block the worker. */
async function readLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
  if (rest) onLine(rest);
}
