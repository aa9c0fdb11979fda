import { deadline } from "@std/async";
import { describeVariables } from "../../../packages/server/src/config/variables.ts";
import { PATIENCE_MS } from "../wire/socket_client.ts";
import { ChildLines } from "./child_lines.ts";
import { parseJsonLine } from "./json_line.ts";

/** Start of a process. */
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
  /** Resolves when the process has ended and its output is read. */
  readonly status: Promise<Deno.CommandStatus>;
  /** The first line, on either output, that logs this event; waits for it. Rejects when the process ends before. */
  logged(event: string): Promise<Readonly<Record<string, unknown>>>;
  /** Sends a signal; does nothing when the process has ended. */
  signal(signal: Deno.Signal): void;
}

/** End of a process that ran to completion. */
export interface FunctionRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A start reads the module graph, on a machine that may be busy. */
const START_PATIENCE_MS = 30_000;
const INDEX = new URL("../../../supabase/functions/realtime/index.ts", import.meta.url);

/** Starts the function and waits until it listens; rejects with its output when it ends instead. */
export async function startFunctionProcess(options: FunctionProcessOptions = {}): Promise<FunctionProcess> {
  const child = spawn(options);
  const logged = (event: string, patienceMs: number) =>
    child.find((line) => {
      const fields = parseJsonLine(line);
      return fields?.["event"] === event ? fields : undefined;
    }, patienceMs);
  try {
    const { port } = await logged("listening", START_PATIENCE_MS);
    if (typeof port !== "number") throw new Error("The line `listening` of the process has no port.");
    return {
      port,
      pid: child.pid,
      stdout: child.stdout,
      get stderr() {
        return child.stderr.join("\n");
      },
      status: child.ended,
      logged: (event) => logged(event, PATIENCE_MS),
      signal: (name) => child.signal(name),
      [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
    };
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
}

/** Starts the function and waits until it ends by itself; kills it, and rejects, when it does not. */
export async function runFunctionProcess(options: FunctionProcessOptions = {}): Promise<FunctionRun> {
  await using child = spawn(options);
  const { code } = await deadline(child.ended, START_PATIENCE_MS);
  return { code, stdout: child.stdout.join("\n"), stderr: child.stderr.join("\n") };
}

function spawn(
  { env, entry = INDEX, deno = Deno.execPath(), importMap }: FunctionProcessOptions,
): ChildLines {
  const modules = importMap ? ["--no-config", "--no-lock", `--import-map=${importMap}`] : ["--frozen"];
  return new ChildLines({
    path: deno,
    args: ["run", "--allow-net", "--allow-env", "--no-check", ...modules, entry.href],
    env: { ...environmentOfTheTests(), PORT: "0", NO_COLOR: "1", ...env },
  }, { name: "The function" });
}

function environmentOfTheTests(): Record<string, string> {
  const read = describeVariables();
  return Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => !read.has(name)));
}
