import { fileURLToPath as fromFileUrl } from "node:url";
import { ChildLines } from "../processes/child_lines.ts";
import { type HostLine, parseWorkerLine, type WorkerLine } from "./control.ts";

/** Start of a worker process. */
export interface WorkerCommand {
  /** Deno binary. */
  readonly deno: string;
  /** The function's entry. */
  readonly entry: URL;
  /** The environment, all of it. */
  readonly env: Readonly<Record<string, string>>;
}

/** Receiver of a worker's output. */
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

/** One worker: a Deno process with the bootstrap. It ends when it is killed, or when the host is gone. */
export class WorkerProcess {
  /** Resolves with the exit status when all output has been read. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: ChildLines;

  constructor({ deno, entry, env }: WorkerCommand, { onSaid, onOutput }: WorkerListener) {
    const mark = `\u0001${crypto.randomUUID()} `;
    const args = ["run", "--no-check", ...PERMISSIONS, ...configuration(entry), BOOTSTRAP.href];
    this.#child = new ChildLines({ path: deno, args, env }, {
      name: "The isolate",
      hasInput: true,
      keptLines: 0,
      onLine(line, output) {
        const said = output === "stdout" ? parseWorkerLine(line, mark) : undefined;
        if (said) onSaid(said);
        else onOutput(line);
      },
    });
    this.ended = this.#child.ended;
    this.tell({ mark });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Sends the worker a line; does nothing when it is gone. */
  tell(line: HostLine): void {
    void this.#child.send(JSON.stringify(line));
  }

  /** Ends the worker at once, without a close frame to its sockets; does nothing when it has ended. */
  kill(): void {
    this.#child.signal("SIGKILL");
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

/** True if there is a lock file in the function's folder or above it. */
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
