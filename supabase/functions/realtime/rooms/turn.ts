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
/** Milliseconds; Deno (2.1.4 and 2.9.6) makes it one to two. */
const HOLD_MS = 1;

/**
 * Tells when what arrived at the same moment has been dealt with; one for all rooms of an isolate. A turn takes a microsecond. Who
 * expects more to come may hold what it has for a moment longer. That is a timer, and a timer that fires costs more than a
 * hundred microseconds of CPU, so it is there for when the expected does not come: it is to be released before.
 */
export class Turn {
  readonly #clock: () => number;
  #waiting = new Set<TurnWaiter>();
  #isUnderWay = false;
  readonly #held = new Set<TurnHolder>();
  #holdTimer: ReturnType<typeof setTimeout> | undefined;

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

  /** Calls `holder.holdEnded` in a millisecond, or a little earlier, unless it is released before. */
  hold(holder: TurnHolder): void {
    this.#held.add(holder);
    this.#holdTimer ??= setTimeout(() => this.#endHolds(), HOLD_MS);
  }

  /** It holds nothing any more. */
  release(holder: TurnHolder): void {
    this.#held.delete(holder);
    if (this.#held.size > 0) return;
    clearTimeout(this.#holdTimer);
    this.#holdTimer = undefined;
  }

  #endHolds(): void {
    this.#holdTimer = undefined;
    const held = [...this.#held];
    this.#held.clear();
    for (const holder of held) holder.holdEnded();
  }

  async #end(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) await undefined;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    this.#isUnderWay = false;
    for (const waiter of waiting) waiter.turnEnded();
  }
}
