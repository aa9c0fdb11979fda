import type { SeededRandom } from "../support/seeded_random.ts";
import type { EdgeEvent } from "../support/isolates/events.ts";
import { type EdgeHost, startEdgeHost } from "../support/isolates/host.ts";

/** Options of the isolates. */
export interface IsolatesOptions {
  /** Entry of the function: its index.ts. */
  readonly entry: URL;
  /** Variables of the function. */
  readonly env: Readonly<Record<string, string>>;
  /** Number of isolates that take new connections. */
  readonly count: number;
  /**
   * Lifetime of an isolate, and its CPU limit, in milliseconds. New connections go elsewhere at
   * half of the CPU limit.
   */
  readonly wallMs: number;
  readonly cpuMs: number;
  /** Deno binary of the isolates; undefined selects the hosted runtime's version. */
  readonly deno: string | undefined;
}

/** Counts of isolate starts, isolate ends and log events. */
export interface Census {
  readonly booted: number;
  /** Ended isolates by the reason of the first warning, `killed` by the soak, or `crashed`. */
  readonly ended: Readonly<Record<string, number>>;
  /** Log lines by event; a line that is not JSON counts as `other output`. */
  readonly logged: Readonly<Record<string, number>>;
  /** First log line of each event. */
  readonly firstLines: Readonly<Record<string, string>>;
}

/** Retired isolates that may be alive for each isolate that takes connections. */
const RETIRED_EACH = 7;

/**
 * The function behind one address, in isolates that end like those of the hosted runtime, but
 * sooner. `await using` ends them.
 */
export class Isolates implements AsyncDisposable {
  readonly #host: EdgeHost;
  readonly #counts: Counts;

  private constructor(host: EdgeHost, counts: Counts) {
    this.#host = host;
    this.#counts = counts;
  }

  /**
   * Starts a host; the first request starts the first isolate.
   * @throws {Error} if Deno cannot be resolved
   */
  static async start({ entry, env, count, wallMs, cpuMs, deno }: IsolatesOptions): Promise<Isolates> {
    const counts: Counts = {
      booted: 0,
      warned: new Map(),
      ended: new Map(),
      logged: new Map(),
      firstLines: new Map(),
    };
    const host = await startEdgeHost({
      entry,
      env,
      limits: { wallMs, cpuSoftMs: cpuMs / 2, cpuHardMs: cpuMs },
      isolates: count,
      maxWorkers: count * (1 + RETIRED_EACH),
      deno,
      onEvent: (event) => countEvent(counts, event),
      onOutput: (_isolate, line) => countLine(counts, line),
    });
    return new Isolates(host, counts);
  }

  /** Such as `http://127.0.0.1:43121`. */
  get origin(): string {
    return this.#host.origin;
  }

  /** Number of open sockets. */
  get sockets(): number {
    return this.#host.isolates.reduce((sum, { sockets }) => sum + sockets, 0);
  }

  get census(): Census {
    const { booted, ended, logged, firstLines } = this.#counts;
    return {
      booted,
      ended: Object.fromEntries(ended),
      logged: Object.fromEntries(logged),
      firstLines: Object.fromEntries(firstLines),
    };
  }

  /**
   * Kills a random isolate that has sockets, without a warning; returns its id, or null if there is
   * none.
   */
  killOne(random: SeededRandom): string | null {
    const withSockets = this.#host.isolates.filter(({ sockets }) => sockets > 0);
    if (withSockets.length === 0) return null;
    const { isolate } = random.pick(withSockets);
    return this.#host.kill(isolate) ? isolate : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
  }
}

interface Counts {
  booted: number;
  /** Reason of the first warning of each running isolate. */
  readonly warned: Map<string, string>;
  readonly ended: Map<string, number>;
  readonly logged: Map<string, number>;
  readonly firstLines: Map<string, string>;
}

function countEvent(counts: Counts, event: EdgeEvent): void {
  const { warned, ended } = counts;
  if (event.type === "booted") counts.booted++;
  else if (event.type === "boot_failed") add(ended, "boot_failed");
  else if (event.type === "warned") warned.set(event.isolate, warned.get(event.isolate) ?? event.reason);
  else if (event.type === "exited") {
    // A drained isolate is idle, and the host drops it for that. The first warning is the real
    // reason.
    const reason = event.reason === "early_drop" ? warned.get(event.isolate) : event.reason;
    add(ended, reason === "asked" ? "killed" : reason ?? event.reason);
    warned.delete(event.isolate);
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function countLine({ logged, firstLines }: Counts, line: string): void {
  const event = loggedEvent(line);
  add(logged, event);
  if (!firstLines.has(event)) firstLines.set(event, line);
}

function loggedEvent(line: string): string {
  try {
    return String(JSON.parse(line).event);
  } catch {
    return "other output";
  }
}
