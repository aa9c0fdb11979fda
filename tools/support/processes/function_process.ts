import { deadline } from "@std/async";
import { describeVariables } from "../../../packages/server/src/config/variables.ts";
import { PATIENCE_MS } from "../wire/socket_client.ts";
import { ChildLines } from "./child_lines.ts";
import { parseJsonLine } from "./json_line.ts";

/** Start of a process. */
interface FunctionProcessOptions {
  /**
   * Variables of the function; PORT defaults to 0. The function receives none of its variables from
   * the environment of the tests.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Module to start instead of the function's index.ts. */
  readonly entry?: URL;
  /** Deno binary; default the one that runs the test. */
  readonly deno?: string;
  /** Import map instead of the project's and its lockfile. */
  readonly importMap?: URL;
}

/** The function in a separate process. `await using` kills it. */
export interface FunctionProcess extends AsyncDisposable {
  /** Port of the function on 127.0.0.1. */
  readonly port: number;
  readonly pid: number;
  /** Complete lines so far. */
  readonly stdout: readonly string[];
  /** Text so far. */
  readonly stderr: string;
  /** Resolves once the process has ended and its output is read. */
  readonly status: Promise<Deno.CommandStatus>;
  /**
   * Waits for the first line on either output that logs this event. Rejects if the process ends
   * first.
   */
  logged(event: string): Promise<Readonly<Record<string, unknown>>>;
  /** Sends a signal; does nothing once the process has ended. */
  signal(signal: Deno.Signal): void;
}

/** End of a process that ran to completion. */
interface FunctionRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Limit of a start, which reads the module graph, on a busy machine. */
const START_TIMEOUT_MS = 30_000;
const INDEX = new URL("../../../supabase/functions/realtime/index.ts", import.meta.url);

/** Starts the function and waits until it listens; rejects with its output if it ends instead. */
export async function startFunctionProcess(options: FunctionProcessOptions = {}): Promise<FunctionProcess> {
  const child = spawn(options);
  const logged = (event: string, timeoutMs: number) =>
    child.find((line) => {
      const fields = parseJsonLine(line);
      return fields?.["event"] === event ? fields : undefined;
    }, timeoutMs);
  try {
    const { port } = await logged("listening", START_TIMEOUT_MS);
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

/** Starts the function and waits for its end; kills it and rejects after the time limit. */
export async function runFunctionProcess(options: FunctionProcessOptions = {}): Promise<FunctionRun> {
  await using child = spawn(options);
  const { code } = await deadline(child.ended, START_TIMEOUT_MS);
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
