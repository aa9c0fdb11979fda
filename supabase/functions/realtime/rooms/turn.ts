/** Something that waits for the end of what the event loop is doing. */
export interface TurnWaiter {
  turnEnded(): void;
}

/**
 * How many rounds of microtasks a turn takes. Everything that has arrived when the event loop looks is dispatched in the rounds
 * that follow at once, and what is published needs a few more until it is acked; some to spare.
 */
const ROUNDS = 12;

/**
 * Tells when what arrived at the same moment has been dealt with; one for all rooms of an isolate. A turn takes a microsecond. A
 * timer would gather more, but on Deno (2.1.4 and 2.9.6) one takes one to two milliseconds and costs more than a hundred
 * microseconds of CPU, and what waking up costs besides: measured, it made a busy room half as dear again.
 */
export class Turn {
  #waiting = new Set<TurnWaiter>();
  #isUnderWay = false;

  /** Calls `waiter.turnEnded` once, when the turn has ended. */
  wait(waiter: TurnWaiter): void {
    this.#waiting.add(waiter);
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    void this.#end();
  }

  async #end(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) await undefined;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    this.#isUnderWay = false;
    for (const waiter of waiting) waiter.turnEnded();
  }
}
