/** Something that is going to happen, unless it is cancelled. */
export interface Expiry {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Absent once it has happened or was cancelled. */
  happen: (() => void) | undefined;
}

/** What a timer can wait at most, in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** What is going to happen at its time. One timer, for the earliest, serves all; while stopped there is none. */
export class Expiries {
  readonly #now: () => number;
  /** The earliest first, cancelled ones among them. */
  readonly #pending: Expiry[] = [];
  #live = 0;
  #running = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;

  /** `now` is in milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** From now on things happen by themselves. */
  start(): void {
    this.#running = true;
    this.#arm();
  }

  /** From now on things happen by `runDue` only. */
  stop(): void {
    this.#running = false;
    this.#arm();
  }

  /** Lets something happen at a time. */
  add(at: number, happen: () => void): Expiry {
    const expiry: Expiry = { at, happen };
    // From the end: nearly always it is the latest.
    let place = this.#pending.length;
    while ((this.#pending[place - 1]?.at ?? -Infinity) > at) place--;
    this.#pending.splice(place, 0, expiry);
    this.#live++;
    this.#arm();
    return expiry;
  }

  /** Lets it not happen; when it has happened already, nothing. */
  cancel(expiry: Expiry): void {
    if (!expiry.happen) return;
    expiry.happen = undefined;
    this.#live--;
    this.#arm();
  }

  /** Lets everything happen whose time has come, in the order of time. */
  runDue(): void {
    const now = this.#now();
    let count = 0;
    while ((this.#pending[count]?.at ?? Infinity) <= now) count++;
    if (count === 0) return;
    // Taken out before anything happens: what happens may add, cancel or come back here.
    for (const expiry of this.#pending.splice(0, count)) {
      const { happen } = expiry;
      this.cancel(expiry);
      happen?.();
    }
  }

  #arm(): void {
    if (this.#live === 0) this.#pending.length = 0;
    const next = this.#running ? this.#pending[0]?.at ?? Infinity : Infinity;
    // A timer that is too early stays: it costs less to let it ring than to set it anew with every cancelling.
    if (this.#timerAt <= next && next !== Infinity) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = next;
    if (next === Infinity) return;
    const delayMs = Math.min(Math.max(next - this.#now(), 1), MAX_DELAY_MS);
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.runDue();
      this.#arm();
    }, delayMs);
  }
}
