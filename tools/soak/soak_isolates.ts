import type { SeededRandom } from "../support/seeded_random.ts";
import type { EdgeEvent } from "../support/isolates/events.ts";
import { type EdgeHost, startEdgeHost } from "../support/isolates/host.ts";

/** Options of the isolates. */
export interface IsolatesOptions {
  /** The function's index.ts. */
  readonly entry: URL;
  /** Environment of the function. */
  readonly env: Readonly<Record<string, string>>;
  /** Over how many new connections are spread. */
  readonly count: number;
  /** How long each may live, and how much CPU it may use: half of it with new connections. In milliseconds. */
  readonly wallMs: number;
  readonly cpuMs: number;
  /** Deno binary to run them with; undefined: the hosted runtime's version. */
  readonly deno: string | undefined;
}

/** Counts of the isolates' lives and logs. */
export interface Census {
  readonly booted: number;
  /** Those that have ended, by why: what the isolate was first warned of, `killed` by us, or `crashed`. */
  readonly ended: Readonly<Record<string, number>>;
  /** What the function logged, by event; what is no log line is `other output`. */
  readonly logged: Readonly<Record<string, number>>;
  /** The first line of each of these events. */
  readonly firstLines: Readonly<Record<string, string>>;
}

/** Beside those that take connections, so many that were retired may be alive for each. */
const RETIRED_EACH = 7;

/** The function behind one address, in isolates that live and die as the hosted runtime's do, quickly. `await using` ends them. */
export class Isolates implements AsyncDisposable {
  readonly #host: EdgeHost;
  readonly #counts: Counts;

  private constructor(host: EdgeHost, counts: Counts) {
    this.#host = host;
    this.#counts = counts;
  }

  /** Starts a host; the first request boots the first isolate. @throws {Error} when Deno cannot be resolved */
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

  /** Counts so far. */
  get census(): Census {
    const { booted, ended, logged, firstLines } = this.#counts;
    return {
      booted,
      ended: Object.fromEntries(ended),
      logged: Object.fromEntries(logged),
      firstLines: Object.fromEntries(firstLines),
    };
  }

  /** Ends one without a warning, drawn of those that have sockets; returns its id, or null when there was none. */
  killOne(random: SeededRandom): string | null {
    const busy = this.#host.isolates.filter(({ sockets }) => sockets > 0);
    if (busy.length === 0) return null;
    const { isolate } = random.pick(busy);
    return this.#host.kill(isolate) ? isolate : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
  }
}

interface Counts {
  booted: number;
  /** Why isolates that are alive were warned. */
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
    // Once it has drained it is idle, and dropped for that.
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
