import { deadline } from "@std/async";
import { readLines } from "../../../tools/support/processes/read_lines.ts";
import type { UnpackedUpload } from "./unpacked_upload.ts";

const START_MS = 30_000;

/** Function that runs from its uploaded files only. */
export interface DeployedFunction extends AsyncDisposable {
  /** Address such as `http://127.0.0.1:41234`. */
  readonly origin: string;
  /** Ends the process and returns its output. A second call returns the same. */
  stop(): Promise<readonly string[]>;
}

/**
 * Runs an upload and waits for the `listening` event in its log. The function gets only the given
 * environment, no file access and no network except loopback.
 * @throws {Error} with the function's output when it ends before it listens
 */
export async function startDeployed(
  upload: UnpackedUpload,
  env: Readonly<Record<string, string>>,
): Promise<DeployedFunction> {
  const child = new Deno.Command(upload.deno, {
    args: [
      "run",
      "--cached-only",
      "--no-prompt",
      "--allow-env",
      "--allow-net=127.0.0.1",
      ...upload.entrypointArgs,
    ],
    cwd: upload.directory,
    clearEnv: true,
    env: { ...env, HOST: "127.0.0.1", PORT: "0", DENO_DIR: upload.cacheDirectory, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();

  const listening = Promise.withResolvers<number>();
  const written: string[] = [];
  const outputs = [
    readLines(child.stderr, (line) => written.push(line)),
    readLines(child.stdout, (line) => {
      written.push(line);
      const port = portOfListeningEvent(line);
      if (port !== undefined) listening.resolve(port);
    }),
  ];
  async function stop(): Promise<readonly string[]> {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      // Deno throws a TypeError if the process has already ended.
      if (!(error instanceof TypeError)) throw error;
    }
    await Promise.all([child.status, ...outputs]);
    return written;
  }

  try {
    const port = await deadline(Promise.race([listening.promise, child.status]), START_MS);
    if (typeof port !== "number") throw new Error(`The function ended with code ${port.code} at its start.`);
    return {
      origin: `http://127.0.0.1:${port}`,
      stop,
      [Symbol.asyncDispose]: async () => void await stop(),
    };
  } catch (error) {
    await stop();
    throw new Error(`The deployed function did not start. It wrote:\n${written.join("\n")}`, {
      cause: error,
    });
  }
}

function portOfListeningEvent(line: string): number | undefined {
  if (!line.startsWith("{")) return undefined;
  const entry: { event?: unknown; port?: unknown } = JSON.parse(line);
  return entry.event === "listening" && typeof entry.port === "number" ? entry.port : undefined;
}
