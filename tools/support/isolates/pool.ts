import type { EdgeEvent, IsolateReport } from "./events.ts";
import { Isolate, type IsolateState } from "./isolate.ts";
import type { EdgeLimits } from "./limits.ts";
import { bootError, ENDING, NO_ROOM, type Refusal, Refused } from "./refusal.ts";
import type { WorkerCommand } from "./worker_process.ts";

/** Options of the isolates. */
interface PoolOptions {
  readonly command: WorkerCommand;
  readonly limits: EdgeLimits;
  /** Number of isolates that take new requests. */
  readonly isolates: number;
  /** Limit of running processes, retired ones included. */
  readonly maxWorkers: number;
  /** Clock in milliseconds of any origin. */
  readonly now: () => number;
  readonly onEvent: (event: EdgeEvent) => void;
  /** Receives each line of the function's output. */
  readonly onOutput: (isolate: string, line: string) => void;
}

/** Public state of an isolate. */
export interface IsolateView extends IsolateReport {
  readonly state: IsolateState;
  readonly lastReason: string | undefined;
}

/** Isolate for a request, and its port. */
interface Assignment {
  readonly isolate: Isolate;
  readonly port: number;
}

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5_000;

/** Isolates of a host: starts them on demand, and assigns requests. */
export class IsolatePool {
  readonly #options: PoolOptions;
  /** Isolate of each slot that takes requests. */
  readonly #slots: (Isolate | undefined)[];
  readonly #alive = new Set<Isolate>();
  #turn = 0;
  #failures = 0;
  #failure: { readonly refusal: Refusal; readonly untilMs: number } | undefined;
  #isEnding = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.isolates }, () => undefined);
  }

  /** Isolates with a running process, the oldest first. */
  get views(): readonly IsolateView[] {
    return Array.from(this.#alive, (isolate) => ({
      ...isolate.report,
      state: isolate.state,
      lastReason: isolate.lastReason,
    }));
  }

  /**
   * Assigns a request to the next isolate, and starts that isolate if needed. An isolate that was
   * started for a request receives it, even if it is retired immediately.
   * @throws {Refused} if no isolate can take the request
   */
  async assign(): Promise<Assignment> {
    const slot = this.#turn++ % this.#slots.length;
    let isolate = this.#slots[slot];
    if (!isolate || !(isolate.acceptsRequests || isolate.state === "booting")) isolate = this.#boot(slot);
    try {
      const port = await isolate.ready;
      if (isolate.state === "ended") throw new Error("it ended immediately after its start");
      isolate.take();
      return { isolate, port };
    } catch (error) {
      throw new Refused(
        this.#isEnding ? ENDING : bootError(error instanceof Error ? error.message : String(error)),
      );
    }
  }

  /** Applies the limits to every isolate. */
  check(): void {
    for (const isolate of this.#alive) isolate.check();
  }

  /** Kills an isolate without a warning; returns false for an unknown id. */
  kill(id: string): boolean {
    const isolate = this.#find(id);
    isolate?.kill("asked");
    return isolate !== undefined;
  }

  /** Terminates all isolates, waits until nothing is open or `graceMs` are over, and kills them. */
  async end(graceMs: number): Promise<void> {
    this.#isEnding = true;
    const until = this.#options.now() + graceMs;
    if (graceMs > 0) { for (const isolate of this.#alive) isolate.terminate(); }
    while (this.#options.now() < until && [...this.#alive].some((isolate) => !isolate.isComplete)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.killAll();
  }

  /** Kills all isolates and waits until they have ended. */
  async killAll(): Promise<void> {
    this.#isEnding = true;
    const alive = [...this.#alive];
    for (const isolate of alive) isolate.kill("termination");
    await Promise.all(alive.map(({ ended }) => ended));
  }

  #find(id: string): Isolate | undefined {
    return [...this.#alive].find((isolate) => isolate.id === id);
  }

  /** @throws {Refused} if no isolate may be started now */
  #boot(slot: number): Isolate {
    const { command, limits, now, onEvent, onOutput, maxWorkers } = this.#options;
    if (this.#isEnding) throw new Refused(ENDING);
    if (this.#failure && now() < this.#failure.untilMs) throw new Refused(this.#failure.refusal);
    if (this.#alive.size >= maxWorkers) throw new Refused(NO_ROOM);
    const id = crypto.randomUUID();
    const isolate: Isolate = new Isolate({
      id,
      command: { ...command, env: { ...command.env, SB_EXECUTION_ID: id } },
      limits,
      now,
      onEvent: (event) => onEvent({ ...isolate.report, ...event }),
      onOutput: (line) => onOutput(id, line),
    });
    this.#slots[slot] = isolate;
    this.#alive.add(isolate);
    void isolate.ended.then(() => this.#alive.delete(isolate));
    void isolate.ready.then(() => this.#succeed(), (error: Error) => this.#fail(error));
    return isolate;
  }

  #succeed(): void {
    this.#failures = 0;
    this.#failure = undefined;
  }

  /** Delays the next start, so that a broken function is not started at every request. */
  #fail({ message }: Error): void {
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
    this.#failure = { refusal: bootError(message), untilMs: this.#options.now() + pauseMs };
  }
}
