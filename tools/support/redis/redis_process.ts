import { freePort } from "../free_port.ts";
import { ChildLines } from "../processes/child_lines.ts";
import { redisCliPath, redisServerPath } from "./availability.ts";

/** A start reads what was saved, on a machine that may be busy. */
const START_PATIENCE_MS = 20_000;
/** The first lines of the log are read for the start; later ones explain a failure. */
const KEPT_LINES = 100;
/** A port may be taken between being found and being used. */
const MAX_STARTS = 5;
/** A cluster's nodes talk on the port 10,000 above. */
const PORT_LIMIT = 55_000;

/** Start of a server. */
export interface RedisProcessOptions {
  /** Configuration, as on the command line: name and value alternate. By default nothing is saved. */
  readonly settings?: readonly string[];
  /** Speaks TLS only, with these files. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly authority: string };
}

/** A redis-server on a free port of 127.0.0.1, in a directory of its own. `await using` ends it, and removes the directory. */
export class RedisProcess implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  readonly #settings: readonly string[];
  #running: Running | undefined;

  private constructor(port: number, directory: string, settings: readonly string[], running: Running) {
    this.port = port;
    this.#directory = directory;
    this.#settings = settings;
    this.#running = running;
  }

  /** Starts one; resolves when it can be connected to. */
  static async start({ settings: given = [], tls }: RedisProcessOptions = {}): Promise<RedisProcess> {
    const directory = await Deno.makeTempDir({ prefix: "redis-" });
    for (let starts = 1;; starts++) {
      const port = freePort(PORT_LIMIT);
      const settings = tls ? [...given, ...tlsSettings(port, tls)] : given;
      try {
        return new RedisProcess(port, directory, settings, await run(port, directory, settings));
      } catch (error) {
        if (starts < MAX_STARTS) continue;
        await Deno.remove(directory, { recursive: true });
        throw error;
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Sends it a command; resolves with what redis-cli prints. */
  async command(...args: readonly string[]): Promise<string> {
    return await redisCli("-p", `${this.port}`, ...args);
  }

  /** Ends it, in order or at once; what was saved stays. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stop(signal);
  }

  /** Starts it again, on the same port and with what was saved. */
  async startAgain(): Promise<void> {
    this.#running = await run(this.port, this.#directory, this.#settings);
  }

  /** Lets it stand still, and go on; connections stay. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    if (this.#running) Deno.kill(this.#running.pid, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** Runs redis-cli; rejects when it fails. */
export async function redisCli(...args: readonly string[]): Promise<string> {
  const command = new Deno.Command(redisCliPath(), { args: [...args], stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout).trim();
  if (!success) throw new Error(`redis-cli failed: ${text} ${new TextDecoder().decode(stderr)}`);
  return text;
}

interface Running {
  readonly pid: number;
  stop(signal: Deno.Signal): Promise<void>;
}

/** Runs its arguments; when its input ends, removes the directory and kills them. */
const WATCHED = `
exec 3<&0
"$@" </dev/null 3<&- & pid=$!
echo "pid $pid"
(while read line; do :; done <&3; rm -rf "$DIRECTORY"; kill -9 $pid) & watcher=$!
wait $pid
kill $watcher
`;

/** Starts the server under a shell that kills it when the shell's input ends: with this process, however that ends. */
async function run(port: number, directory: string, settings: readonly string[]): Promise<Running> {
  const own = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", directory, "--daemonize", "no"];
  const defaults = ["--save", "", "--appendonly", "no", "--enable-debug-command", "local"];
  const shell = new ChildLines({
    path: "/bin/sh",
    args: ["-c", WATCHED, "sh", redisServerPath(), ...own, ...defaults, ...settings],
    env: { PATH: Deno.env.get("PATH") ?? "", DIRECTORY: directory },
  }, { name: "redis-server", hasInput: true, keptLines: KEPT_LINES });
  let pid = 0;

  async function stop(signal: Deno.Signal): Promise<void> {
    if (pid === 0) return await shell[Symbol.asyncDispose]();
    try {
      Deno.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await shell.ended;
  }

  try {
    pid = await shell.find(
      (line) => Number(/^pid (\d+)$/.exec(line)?.[1] ?? 0) || undefined,
      START_PATIENCE_MS,
    );
    await shell.find((line) => line.includes("Ready to accept connections") || undefined, START_PATIENCE_MS);
  } catch (error) {
    await stop("SIGKILL");
    throw new Error(`redis-server did not start:\n${shell.stdout.slice(-10).join("\n")}`, { cause: error });
  }
  return { pid, stop };
}

function tlsSettings(port: number, tls: NonNullable<RedisProcessOptions["tls"]>): string[] {
  const files = [
    "--tls-cert-file",
    tls.certificate,
    "--tls-key-file",
    tls.key,
    "--tls-ca-cert-file",
    tls.authority,
  ];
  return ["--port", "0", "--tls-port", `${port}`, "--tls-auth-clients", "no", ...files];
}
