import { resolveDeno } from "../processes/deno_binary.ts";
import { workerEnvironment } from "./environment.ts";
import type { EdgeEvent } from "./events.ts";
import { Front } from "./front.ts";
import { type EdgeLimits, HOSTED_LIMITS } from "./limits.ts";
import { IsolatePool, type IsolateView } from "./pool.ts";

/** Options of a host; only `entry` is required. */
export interface EdgeHostOptions {
  /** Entry of the function: its index.ts. The folder's name is the function's name. */
  readonly entry: URL;
  /**
   * Variables of the function. Of this process' environment, the function receives only what Deno
   * needs.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Differences from a paid project's limits. */
  readonly limits?: Partial<EdgeLimits>;
  /** Deno binary of the workers; default 2.1.4, the hosted runtime's version, through npx. */
  readonly deno?: string | undefined;
  /** Number of isolates that take new connections in turn; default 1. */
  readonly isolates?: number;
  /** Limit of running workers; default four times `isolates`, and at least 8. */
  readonly maxWorkers?: number;
  /** Default 127.0.0.1. */
  readonly hostname?: string;
  /** Default 0, which picks a free port. */
  readonly port?: number;
  /** Value of `SB_REGION`; default `local`. */
  readonly region?: string;
  readonly onEvent?: (event: EdgeEvent) => void;
  /** Receives each line of the function's output; default: dropped. */
  readonly onOutput?: (isolate: string, line: string) => void;
  /** Clock in milliseconds of any origin; default `performance.now`. */
  readonly now?: () => number;
}

/** A running host. `await using` kills its workers. */
export interface EdgeHost extends AsyncDisposable {
  /** Origin, such as `http://127.0.0.1:43121`. */
  readonly origin: string;
  readonly port: number;
  /** Name of the function. */
  readonly name: string;
  /** Isolates with a running process, the oldest first. */
  readonly isolates: readonly IsolateView[];
  /** Kills an isolate without a warning; returns false for an unknown id. */
  kill(isolate: string): boolean;
  /**
   * Ends like the hosted runtime: accepts no connections, dispatches `beforeunload` with
   * `termination` in all isolates, and kills them once nothing is open, or after `graceMs`.
   */
  shutdown(): Promise<void>;
}

export const HOSTED_DENO = "2.1.4";
const CHECKS_PER_LIMIT = 100;
const MIN_CHECK_MS = 10;
const MAX_CHECK_MS = 100;

/**
 * Starts a host. The first request starts the first isolate.
 * @throws {Error} if Deno cannot be resolved, {Deno.errors.AddrInUse} if the port is in use
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
  const checking = setInterval(() => pool.check(), checkIntervalMs(limits));

  async function end(graceMs: number): Promise<void> {
    await front.stop();
    await pool.end(graceMs);
    clearInterval(checking);
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

/** Name of the function: `…/functions/realtime/index.ts` gives `realtime`. */
function functionName(entry: URL): string {
  const name = entry.pathname.split("/").at(-2);
  if (!name) throw new Error(`${entry.href} has no folder to name the function: move index.ts into one.`);
  return decodeURIComponent(name);
}

/** Interval of checks for the shortest limit. */
function checkIntervalMs({ wallMs, cpuSoftMs, idleMs }: EdgeLimits): number {
  const shortest = Math.min(wallMs, cpuSoftMs * 2, idleMs) / CHECKS_PER_LIMIT;
  return Math.min(MAX_CHECK_MS, Math.max(MIN_CHECK_MS, shortest));
}
