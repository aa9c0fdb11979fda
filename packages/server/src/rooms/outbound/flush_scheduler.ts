/** Something that waits for the end of what the event loop is doing. */
export interface TurnWaiter {
  turnEnded(): void;
}

/** Something that holds what it has a moment longer. */
export interface TurnHolder {
  holdEnded(): void;
}

/**
 * How many rounds of microtasks a turn takes. Everything that has arrived when the event loop looks is dispatched in the rounds
 * that follow at once, and what is published needs a few more until it is acked; some to spare.
 */
const ROUNDS = 12;

/**
 * Tells when what arrived at the same moment has been dealt with; one for all rooms of an isolate. A turn takes a microsecond. Who
 * expects more to come may hold what it has for a moment longer. That is a timer, and a timer that fires costs more than a
 * hundred microseconds of CPU, so it is there for when the expected does not come: it is to be released before.
 */
export class FlushScheduler {
  readonly #clock: () => number;
  #waiting = new Set<TurnWaiter>();
  #isUnderWay = false;
  readonly #held = new Map<TurnHolder, ReturnType<typeof setTimeout>>();

  /** `clock` gives milliseconds. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** The time, in milliseconds. */
  now(): number {
    return this.#clock();
  }

  /** Calls `waiter.turnEnded` once, when the turn has ended. */
  wait(waiter: TurnWaiter): void {
    this.#waiting.add(waiter);
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    void this.#end();
  }

  /** Calls `holder.holdEnded` in so many milliseconds, unless it is released before; one that holds already goes on as it is. */
  hold(holder: TurnHolder, ms: number): void {
    if (this.#held.has(holder)) return;
    const timer = setTimeout(() => {
      // Deno 2.1.4 may still call a timer that was cleared when it was due already.
      if (this.#held.get(holder) !== timer) return;
      this.#held.delete(holder);
      holder.holdEnded();
    }, ms);
    this.#held.set(holder, timer);
  }

  /** It holds nothing any more. */
  release(holder: TurnHolder): void {
    clearTimeout(this.#held.get(holder));
    this.#held.delete(holder);
  }

  async #end(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) await undefined;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    this.#isUnderWay = false;
    for (const waiter of waiting) waiter.turnEnded();
  }
}
