import type { EdgeEvent, IsolateReport } from "./events.ts";
import { Isolate, type IsolateState } from "./isolate.ts";
import type { EdgeLimits } from "./limits.ts";
import { bootError, ENDING, NO_ROOM, type Refusal, Refused } from "./refusal.ts";
import type { WorkerCommand } from "./worker_process.ts";

/** Options of the isolates. */
export interface PoolOptions {
  readonly command: WorkerCommand;
  readonly limits: EdgeLimits;
  /** Over how many that take new requests these are spread. */
  readonly isolates: number;
  /** How many processes may be alive at a time, those included that take no new requests. */
  readonly maxWorkers: number;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
  readonly onEvent: (event: EdgeEvent) => void;
  /** A line that the function printed. */
  readonly onOutput: (isolate: string, line: string) => void;
}

/** What is shown of an isolate. */
export interface IsolateView extends IsolateReport {
  readonly state: IsolateState;
  readonly lastReason: string | undefined;
}

/** An isolate and where it listens. */
export interface Placement {
  readonly isolate: Isolate;
  readonly port: number;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** The isolates of a host: starts one when a request needs it, and tells which one gets a request. */
export class IsolatePool {
  readonly #options: PoolOptions;
  /** The isolate that takes requests in each of the places. */
  readonly #places: (Isolate | undefined)[];
  readonly #alive = new Set<Isolate>();
  #turn = 0;
  #failures = 0;
  #failure: { readonly refusal: Refusal; readonly untilMs: number } | undefined;
  #isEnding = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.isolates }, () => undefined);
  }

  /** Those whose process is alive, the oldest first. */
  get views(): readonly IsolateView[] {
    return Array.from(this.#alive, (isolate) => ({
      ...isolate.report,
      state: isolate.state,
      lastReason: isolate.lastReason,
    }));
  }

  /**
   * The isolate whose turn it is, booted where there is none; the request counts as given to it. One that was booted for a request
   * gets it, even when it is retired at once.
   *
   * @throws {Refused} when there is none
   */
  async place(): Promise<Placement> {
    const place = this.#turn++ % this.#places.length;
    let isolate = this.#places[place];
    if (!isolate || !(isolate.isTaking || isolate.state === "booting")) isolate = this.#boot(place);
    try {
      const port = await isolate.ready;
      if (isolate.state === "ended") throw new Error("it ended as soon as it had started");
      isolate.take();
      return { isolate, port };
    } catch (error) {
      throw new Refused(
        this.#isEnding ? ENDING : bootError(error instanceof Error ? error.message : String(error)),
      );
    }
  }

  /** Applies the limits. */
  look(): void {
    for (const isolate of this.#alive) isolate.look();
  }

  /** Kills an isolate without a warning. Returns whether there was such a one. */
  kill(id: string): boolean {
    const isolate = this.#find(id);
    isolate?.kill("asked");
    return isolate !== undefined;
  }

  /** Tells all isolates that the host ends, waits until nothing is left or `graceMs` are over, and kills them. */
  async end(graceMs: number): Promise<void> {
    this.#isEnding = true;
    const until = this.#options.now() + graceMs;
    if (graceMs > 0) { for (const isolate of this.#alive) isolate.terminate(); }
    while (this.#options.now() < until && [...this.#alive].some((isolate) => !isolate.isThrough)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.killAll();
  }

  /** Kills what is alive, and waits until it is gone. */
  async killAll(): Promise<void> {
    this.#isEnding = true;
    const alive = [...this.#alive];
    for (const isolate of alive) isolate.kill("termination");
    await Promise.all(alive.map(({ ended }) => ended));
  }

  #find(id: string): Isolate | undefined {
    return [...this.#alive].find((isolate) => isolate.id === id);
  }

  /** @throws {Refused} when none may be started now */
  #boot(place: number): Isolate {
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
      onHappening: (happening) => onEvent({ ...isolate.report, ...happening }),
      onOutput: (line) => onOutput(id, line),
    });
    this.#places[place] = isolate;
    this.#alive.add(isolate);
    void isolate.ended.then(() => this.#alive.delete(isolate));
    void isolate.ready.then(() => this.#succeed(), (error: Error) => this.#fail(error));
    return isolate;
  }

  #succeed(): void {
    this.#failures = 0;
    this.#failure = undefined;
  }

  /** A function that cannot start is not started again at every request. */
  #fail({ message }: Error): void {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
    this.#failure = { refusal: bootError(message), untilMs: this.#options.now() + pauseMs };
  }
}
