import { type MonotonicClock, preciseClock } from "../../clocks.ts";

/** Called once the current event-loop tick has settled. */
export interface TickListener {
  tickSettled(): void;
}

/** Called when a delay is over. */
export interface DelayListener {
  delayEnded(): void;
}

/**
 * Rounds of microtasks until a tick has settled. Deno dispatches all frames that have arrived in
 * the first rounds, and a publish needs a few more until its ack. Some rounds are to spare.
 */
const ROUNDS = 12;

/**
 * Runs callbacks once the current event-loop tick has settled; one scheduler serves all rooms of an
 * isolate. A tick takes a microsecond. A room that expects more frames can ask for a delay instead.
 * A delay is a timer, and a timer that fires costs more than 100 µs of CPU. So a room cancels it
 * when the frames have come.
 */
export class FlushScheduler {
  readonly #clock: MonotonicClock;
  #listeners = new Set<TickListener>();
  #isScheduled = false;
  readonly #delayed = new Map<DelayListener, ReturnType<typeof setTimeout>>();

  constructor(clock: MonotonicClock = preciseClock) {
    this.#clock = clock;
  }

  /** The time, in milliseconds. */
  now(): number {
    return this.#clock();
  }

  /** Calls `listener.tickSettled` once, when the current tick has settled. */
  schedule(listener: TickListener): void {
    this.#listeners.add(listener);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    void this.#settle();
  }

  /** Calls `listener.delayEnded` after `ms`, unless cancelled. Replaces a delay that is pending. */
  delay(listener: DelayListener, ms: number): void {
    clearTimeout(this.#delayed.get(listener));
    const timer = setTimeout(() => {
      // Deno 2.1.4 may still call a timer that was cleared when it was due already.
      if (this.#delayed.get(listener) !== timer) return;
      this.#delayed.delete(listener);
      listener.delayEnded();
    }, ms);
    this.#delayed.set(listener, timer);
  }

  /** Cancels a delay. */
  cancel(listener: DelayListener): void {
    clearTimeout(this.#delayed.get(listener));
    this.#delayed.delete(listener);
  }

  async #settle(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) await undefined;
    const listeners = this.#listeners;
    this.#listeners = new Set();
    this.#isScheduled = false;
    for (const listener of listeners) listener.tickSettled();
  }
}
