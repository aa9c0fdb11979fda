import { deadline } from "@std/async";
import { readLines } from "../../../tools/support/processes/read_lines.ts";
import type { UnpackedUpload } from "./unpacked_upload.ts";

const START_MS = 30_000;

/** A function that runs from nothing but what was uploaded of it. */
export interface DeployedFunction extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:41234`. */
  readonly origin: string;
  /** Ends it, and returns every line that it wrote. A second call ends nothing and returns the same. */
  stop(): Promise<readonly string[]>;
}

/**
 * Runs an upload and waits until the function says, in its log, that it listens. It sees the given environment only, may
 * neither read nor write a file, and reaches no network but loopback.
 * @throws {Error} when it ends before it listens; the message holds what it wrote
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
      // It has ended already, and Deno says so with a TypeError.
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
