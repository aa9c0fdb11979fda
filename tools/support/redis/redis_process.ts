import { freePort } from "../free_port.ts";
import { ChildLines } from "../processes/child_lines.ts";
import { redisCliPath, redisServerPath } from "./availability.ts";

/** Limit of a start, which loads saved data, on a busy machine. */
const START_TIMEOUT_MS = 20_000;
/** Kept lines of the log, for errors. */
const KEPT_LINES = 100;
/** Attempts of a start: another process may take the free port first. */
const MAX_STARTS = 5;
/** Limit of ports: cluster nodes also use the port 10,000 above. */
const PORT_LIMIT = 55_000;

/** Options of a server. */
interface RedisProcessOptions {
  /**
   * Configuration as on the command line: names and values alternate. Persistence is off by
   * default.
   */
  readonly settings?: readonly string[];
  /** Accepts only TLS, with these files. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly authority: string };
}

/**
 * redis-server on a free port of 127.0.0.1, in a separate directory. `await using` ends it and
 * removes the directory.
 */
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

  /** Starts a server; resolves once it accepts connections. */
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

  /** Runs a command with redis-cli; resolves with its output. */
  async command(...args: readonly string[]): Promise<string> {
    return await redisCli("-p", `${this.port}`, ...args);
  }

  /** Stops the server, gracefully or by a kill; saved data stays. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stop(signal);
  }

  /** Starts the server again, on the same port, with the saved data. */
  async startAgain(): Promise<void> {
    this.#running = await run(this.port, this.#directory, this.#settings);
  }

  /** Pauses or continues the process; connections stay open. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    if (this.#running) Deno.kill(this.#running.pid, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** Runs redis-cli; rejects if it fails. */
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

/**
 * Shell script that runs its arguments. At the end of its input, it kills them and removes the
 * directory.
 */
const WATCHED = `
exec 3<&0
"$@" </dev/null 3<&- & pid=$!
echo "pid $pid"
(while read line; do :; done <&3; rm -rf "$DIRECTORY"; kill -9 $pid) & watcher=$!
wait $pid
kill $watcher
`;

/**
 * Starts the server under a shell that kills it at the end of the shell's input, so that the server
 * ends with this process.
 */
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
      START_TIMEOUT_MS,
    );
    await shell.find((line) => line.includes("Ready to accept connections") || undefined, START_TIMEOUT_MS);
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
