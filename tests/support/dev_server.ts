import { ChildLines } from "../../tools/support/processes/child_lines.ts";
import { projectCommand } from "../../tools/support/processes/deno_command.ts";

const MAIN = new URL("../../packages/cli/dev/dev_server.ts", import.meta.url);
const START_PATIENCE_MS = 30_000;
/** Last line of the banner, about more users or the project's tokens. */
const LAST_LINE = /\/dev\/token -d user=carol|^npx .*rooms\/lobby\?token=TOKEN/;

/** Dev server in a process of its own. `await using` kills it. */
export interface DevServer extends AsyncDisposable {
  /** Banner that it printed. */
  readonly printed: string;
  /** Such as `http://127.0.0.1:41234`. */
  readonly origin: string;
  /** The process; its lines go on. */
  readonly lines: ChildLines;
}

/** Options of `startDevServer`. */
export interface DevServerOptions {
  /** File whose change restarts the dev server, as an edit does under `deno task dev`. */
  readonly watched?: string;
}

/**
 * Starts the dev server, by default on a free port, and waits for its banner; rejects when it ends.
 */
export async function startDevServer(
  env: Readonly<Record<string, string>> = {},
  { watched }: DevServerOptions = {},
): Promise<DevServer> {
  const { env: own, args: [run = "run", ...args], ...command } = projectCommand(MAIN);
  const watch = watched === undefined ? [] : [`--watch=${watched}`];
  const child = new ChildLines({
    ...command,
    args: [run, ...watch, ...args],
    env: { ...Deno.env.toObject(), ...own, PORT: "0", ...env },
  }, { name: "The dev server" });
  try {
    await child.find((line) => LAST_LINE.test(line) || undefined, START_PATIENCE_MS);
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
  const printed = child.stdout.map((line) => `${line}\n`).join("");
  const [, origin = ""] = printed.match(/Realtime Edge is up: (\S+)\/realtime/) ?? [];
  return { printed, origin, lines: child, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}
