import { deadline } from "@std/async";

const MAIN = new URL("../../packages/cli/dev/dev_server.ts", import.meta.url);
const START_PATIENCE_MS = 30_000;

/** The dev server in a process of its own. `await using` kills it. */
export interface DevServer extends AsyncDisposable {
  /** What it printed until it was up. */
  readonly printed: string;
  /** Such as `http://127.0.0.1:41234`. */
  readonly origin: string;
}

/** Starts the dev server, on a free port unless `env` says which, and waits until it has printed everything; rejects when it ends instead. */
export async function startDevServer(env: Readonly<Record<string, string>> = {}): Promise<DevServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--frozen", MAIN.href],
    env: { PORT: "0", NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  async function readBanner(): Promise<void> {
    // Its last line is the one about more users, or about the project's tokens.
    while (!/\/dev\/token\?user=carol|token of your Supabase project/.test(printed)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`The dev server ended: ${printed}`);
      printed += value;
    }
  }
  async function end(): Promise<void> {
    await reader.cancel();
    child.kill("SIGKILL");
    await child.status;
  }
  try {
    await deadline(readBanner(), START_PATIENCE_MS);
  } catch (error) {
    await end();
    throw error;
  }
  const [, origin = ""] = printed.match(/Realtime Edge is up: (\S+)\/realtime/) ?? [];
  return { printed, origin, [Symbol.asyncDispose]: end };
}
