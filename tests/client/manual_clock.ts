import type { Clock } from "../../packages/client/clock.ts";

const START_MS = 1_800_000_000_000;

/** Clocks that only the test moves. */
export class ManualClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  /** Difference of the wall clock, which a test may step. */
  steppedMs = START_MS;

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return this.#now + this.steppedMs;
  }

  setTimer(callback: () => void, ms: number): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Timers that have not fired. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Lets time pass, timer by timer, and what they begin come to rest. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at);
      const [next] = due;
      if (!next) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.callback();
      await rest();
    }
    this.#now = until;
    await rest();
  }
}

/** Waits until everything that is only waiting for microtasks has happened. */
export async function rest(): Promise<void> {
  for (let round = 0; round < 20; round++) await Promise.resolve();
}
