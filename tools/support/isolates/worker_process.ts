import { fileURLToPath as fromFileUrl } from "node:url";
import { ChildLines } from "../processes/child_lines.ts";
import { type HostLine, parseWorkerLine, type WorkerLine } from "./control.ts";

/** Start of a worker process. */
export interface WorkerCommand {
  /** Deno binary. */
  readonly deno: string;
  /** Entry of the function. */
  readonly entry: URL;
  /** Complete environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Receiver of a worker's output. */
interface WorkerListener {
  readonly onWorkerLine: (line: WorkerLine) => void;
  /** Receives a line of the function's output, without its line end. */
  readonly onOutput: (line: string) => void;
}

const BOOTSTRAP = new URL("./worker.ts", import.meta.url);
/** `-A` with `--deny-write` permits writes on Deno 2.1.4, so the permissions are listed. */
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

/** Worker: a Deno process with the bootstrap. Ends if it is killed, or once the host has ended. */
export class WorkerProcess {
  /** Resolves with the exit status once all output has been read. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: ChildLines;

  constructor({ deno, entry, env }: WorkerCommand, { onWorkerLine, onOutput }: WorkerListener) {
    const mark = `\u0001${crypto.randomUUID()} `;
    const args = ["run", "--no-check", ...PERMISSIONS, ...configuration(entry), BOOTSTRAP.href];
    this.#child = new ChildLines({ path: deno, args, env }, {
      name: "The isolate",
      hasInput: true,
      keptLines: 0,
      onLine(line, output) {
        const workerLine = output === "stdout" ? parseWorkerLine(line, mark) : undefined;
        if (workerLine) onWorkerLine(workerLine);
        else onOutput(line);
      },
    });
    this.ended = this.#child.ended;
    this.send({ mark });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Sends a line to the worker; does nothing once it has ended. */
  send(line: HostLine): void {
    void this.#child.send(JSON.stringify(line));
  }

  /** Kills the worker immediately, without close frames; does nothing once it has ended. */
  kill(): void {
    this.#child.signal("SIGKILL");
  }
}

/**
 * Arguments for the function's own deno.json, as at a deployment, or for none. Without a lock file,
 * none is created.
 */
function configuration(entry: URL): string[] {
  for (const name of ["deno.json", "deno.jsonc"]) {
    const file = new URL(name, entry);
    if (exists(file)) return [`--config=${fromFileUrl(file)}`, ...(isLocked(entry) ? [] : ["--no-lock"])];
  }
  return ["--no-config", "--no-lock"];
}

/** True if the function's folder or one above it has a lock file. */
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
