import { ChildLines } from "../../../tools/support/processes/child_lines.ts";

const START_TIMEOUT_MS = 20_000;

/** Options of a server. */
interface ServerProcessOptions {
  /** Name in errors. */
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** Directory of the server, removed with it. */
  readonly directory: string;
  /** Part of the line that reports that the server listens. */
  readonly listeningLine: string;
}

/** Server that is not part of this project. `await using` kills it and removes its directory. */
interface ServerProcess extends AsyncDisposable {
  /** Lines on stderr so far. */
  readonly lines: readonly string[];
}

/**
 * Starts a server; resolves once it listens.
 * @throws {Error} with the end of its stderr otherwise
 */
export async function startServerProcess(
  { name, command: [path = "", ...args], cwd, directory, listeningLine }: ServerProcessOptions,
): Promise<ServerProcess> {
  const child = new ChildLines({ path, args, cwd }, { name });
  async function end(): Promise<void> {
    await child[Symbol.asyncDispose]();
    await Deno.remove(directory, { recursive: true });
  }
  try {
    await child.find((line) => line.includes(listeningLine) || undefined, START_TIMEOUT_MS);
    return { lines: child.stderr, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}
