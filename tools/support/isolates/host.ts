import { resolveDeno } from "../processes/deno_binary.ts";
import { workerEnvironment } from "./environment.ts";
import type { EdgeEvent } from "./events.ts";
import { Front } from "./front.ts";
import { type EdgeLimits, HOSTED_LIMITS } from "./limits.ts";
import { IsolatePool, type IsolateView } from "./pool.ts";

/** How a host is started; only `entry` has no default. */
export interface EdgeHostOptions {
  /** The function's index.ts. The name of its folder is the function's. */
  readonly entry: URL;
  /** Variables of the function; nothing else of this process' environment is passed on but what Deno itself needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** What differs from a paid project's limits. */
  readonly limits?: Partial<EdgeLimits>;
  /** Deno binary of the workers; by default 2.1.4, the hosted runtime's version, through npx. */
  readonly deno?: string | undefined;
  /** Over how many isolates new connections are spread, in turn; 1 by default. */
  readonly isolates?: number;
  /** How many workers may be alive at a time; four times `isolates` by default, and at least 8. */
  readonly maxWorkers?: number;
  /** 127.0.0.1 by default. */
  readonly hostname?: string;
  /** 0, the default: any that is free. */
  readonly port?: number;
  /** `SB_REGION`, `local` by default. */
  readonly region?: string;
  readonly onEvent?: (event: EdgeEvent) => void;
  /** A line that the function printed; left out, it is dropped. */
  readonly onOutput?: (isolate: string, line: string) => void;
  /** Milliseconds; only differences count. `performance.now` by default. */
  readonly now?: () => number;
}

/** A running host. `await using` kills its workers. */
export interface EdgeHost extends AsyncDisposable {
  /** Such as `http://127.0.0.1:43121`. */
  readonly origin: string;
  readonly port: number;
  /** The function's name. */
  readonly name: string;
  /** Isolates whose process is alive, the oldest first. */
  readonly isolates: readonly IsolateView[];
  /** Kills an isolate without a warning; false when there is no such one. */
  kill(isolate: string): boolean;
  /**
   * Ends as the hosted runtime does: no new connections, `beforeunload` with `termination` in all isolates, then, when nothing is open or
   * `graceMs` are over, the kill.
   */
  shutdown(): Promise<void>;
}

export const HOSTED_DENO = "2.1.4";
const LOOKS_PER_LIMIT = 100;
const FASTEST_LOOK_MS = 10;
const SLOWEST_LOOK_MS = 100;

/**
 * Starts a host. The first request boots the first isolate.
 *
 * @throws {Error} when Deno cannot be resolved, {Deno.errors.AddrInUse} when the port is taken
 */
export async function startEdgeHost(options: EdgeHostOptions): Promise<EdgeHost> {
  const { entry, env = {}, isolates = 1, hostname = "127.0.0.1", region = "local" } = options;
  const { now = () => performance.now(), onEvent = () => {}, onOutput = () => {} } = options;
  const limits = { ...HOSTED_LIMITS, ...options.limits };
  const name = functionName(entry);
  const deno = options.deno ?? (await resolveDeno(HOSTED_DENO)).path;
  const pool = new IsolatePool({
    command: { deno, entry, env: workerEnvironment({ name, region }, env) },
    limits,
    isolates,
    maxWorkers: options.maxWorkers ?? Math.max(8, 4 * isolates),
    now,
    onEvent,
    onOutput,
  });
  const front = new Front({ hostname, port: options.port ?? 0, name, pool, now });
  const looking = setInterval(() => pool.look(), lookEveryMs(limits));

  async function end(graceMs: number): Promise<void> {
    await front.stop();
    await pool.end(graceMs);
    clearInterval(looking);
    await front.close();
  }

  let ending: Promise<void> | undefined;
  return {
    origin: `http://${hostname}:${front.port}`,
    port: front.port,
    name,
    get isolates() {
      return pool.views;
    },
    kill: (isolate) => pool.kill(isolate),
    shutdown: () => ending ??= end(limits.graceMs),
    async [Symbol.asyncDispose]() {
      ending ??= end(0);
      await Promise.all([pool.killAll(), ending]);
    },
  };
}

/** `…/functions/realtime/index.ts` is `realtime`. */
function functionName(entry: URL): string {
  const name = entry.pathname.split("/").at(-2);
  if (!name) throw new Error(`The function needs a folder of its own, which names it: ${entry.href}`);
  return decodeURIComponent(name);
}

/** Often enough for the shortest limit, and no more often. */
function lookEveryMs({ wallMs, cpuSoftMs, idleMs }: EdgeLimits): number {
  const shortest = Math.min(wallMs, cpuSoftMs * 2, idleMs) / LOOKS_PER_LIMIT;
  return Math.min(SLOWEST_LOOK_MS, Math.max(FASTEST_LOOK_MS, shortest));
}
