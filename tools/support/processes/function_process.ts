import { deadline } from "@std/async";
import { describeVariables } from "../../../packages/server/src/config/variables.ts";
import { readLines } from "./read_lines.ts";
import { PATIENCE_MS } from "../wire/socket_client.ts";

/** How a process is started. */
export interface FunctionProcessOptions {
  /**
   * Variables of the function. PORT is 0 unless it is given; no variable that the function reads is passed on from the
   * test run's own environment.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Module to start instead of the function's index.ts. */
  readonly entry?: URL;
  /** Deno binary to start it with instead of the one that runs the test. */
  readonly deno?: string;
  /** Import map instead of the project's, and of the lockfile that goes with that one. */
  readonly importMap?: URL;
}

/** The function in a process of its own. `await using` kills it. */
export interface FunctionProcess extends AsyncDisposable {
  /** The port that it listens on, at 127.0.0.1. */
  readonly port: number;
  readonly pid: number;
  /** Complete lines so far. */
  readonly stdout: readonly string[];
  /** Text so far. */
  readonly stderr: string;
  /** How the process ends; not waited for with a deadline. */
  readonly status: Promise<Deno.CommandStatus>;
  /** The first line, on either output, that logs this event; waits for it. Rejects when the process ends before. */
  logged(event: string): Promise<Readonly<Record<string, unknown>>>;
  /** Sends a signal; does nothing when the process has ended. */
  signal(signal: Deno.Signal): void;
}

/** How a process ended that was left to run by itself. */
export interface FunctionRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A start reads the module graph, on a machine that may be busy. */
const START_PATIENCE_MS = 30_000;
const INDEX = new URL("../../../supabase/functions/realtime/index.ts", import.meta.url);

/** Starts the function and waits until it listens; rejects with what it said when it ends instead. */
export async function startFunctionProcess(options: FunctionProcessOptions = {}): Promise<FunctionProcess> {
  const started = spawn(options);
  try {
    const { port } = await deadline(started.findLine("listening"), START_PATIENCE_MS);
    if (typeof port !== "number") throw new Error("The process does not say on which port it listens.");
    return {
      port,
      pid: started.child.pid,
      stdout: started.stdout,
      get stderr() {
        return started.stderr();
      },
      status: started.child.status,
      logged: (event) => deadline(started.findLine(event), PATIENCE_MS),
      signal: started.signal,
      [Symbol.asyncDispose]: started.end,
    };
  } catch (error) {
    await started.end();
    throw error;
  }
}

/** Starts the function and waits until it ends by itself; kills it, and rejects, when it does not. */
export async function runFunctionProcess(options: FunctionProcessOptions = {}): Promise<FunctionRun> {
  const started = spawn(options);
  try {
    const { code } = await deadline(started.child.status, START_PATIENCE_MS);
    await started.outputRead;
    return { code, stdout: started.stdout.join("\n"), stderr: started.stderr() };
  } finally {
    await started.end();
  }
}

/** A process, and what it has said. */
interface StartedProcess {
  readonly child: Deno.ChildProcess;
  readonly stdout: readonly string[];
  stderr(): string;
  /** Resolves when both outputs have been read to their end. */
  readonly outputRead: Promise<void>;
  findLine(event: string): Promise<Readonly<Record<string, unknown>>>;
  signal(signal: Deno.Signal): void;
  end(): Promise<void>;
}

function spawn(
  { env, entry = INDEX, deno = Deno.execPath(), importMap }: FunctionProcessOptions,
): StartedProcess {
  const modules = importMap ? ["--no-config", "--no-lock", `--import-map=${importMap}`] : ["--frozen"];
  const child = new Deno.Command(deno, {
    args: ["run", "--allow-net", "--allow-env", "--no-check", ...modules, entry.href],
    clearEnv: true,
    env: { ...environmentOfTheTests(), PORT: "0", NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout: string[] = [];
  const stderr: string[] = [];
  let arrival = Promise.withResolvers<void>();
  let ended = false;

  async function read(stream: ReadableStream<Uint8Array>, into: string[]): Promise<void> {
    await readLines(stream, (line) => {
      into.push(line);
      announce();
    });
  }

  function announce(): void {
    arrival.resolve();
    arrival = Promise.withResolvers();
  }

  const outputRead = Promise.all([read(child.stdout, stdout), read(child.stderr, stderr)]).then(() => {
    ended = true;
    announce();
  });

  async function findLine(event: string): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      for (const line of [...stdout, ...stderr]) {
        const fields = parseLine(line);
        if (fields?.["event"] === event) return fields;
      }
      if (ended) throw new Error(`The process ended without saying ${event}:\n${stderr.join("\n")}`);
      await arrival.promise;
    }
  }

  function signal(name: Deno.Signal): void {
    try {
      child.kill(name);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  return {
    child,
    stdout,
    stderr: () => stderr.join("\n"),
    outputRead,
    findLine,
    signal,
    async end() {
      signal("SIGKILL");
      await child.status;
      await outputRead;
    },
  };
}

function environmentOfTheTests(): Record<string, string> {
  const read = describeVariables();
  return Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => !read.has(name)));
}

function parseLine(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
