import type { MonotonicClock } from "../clocks.ts";

/** An object with a periodic deadline. */
export interface Timed {
  /** Checks the deadline. Returns the milliseconds until the next check. */
  check(now: number): number;
}

/** Slots of the wheel. One revolution is the longest time between two checks. */
const SLOTS = 64;

/**
 * One timer for all deadlines of seconds in an isolate: heartbeats and token expiry of room
 * members. The wheel checks an object when its deadline may be due, and the object returns the next
 * delay. Moving a deadline costs nothing. The timer runs only while objects are registered.
 */
export class TimingWheel {
  readonly #tickMs: number;
  readonly #clock: MonotonicClock;
  readonly #slots: Set<Timed>[] = Array.from({ length: SLOTS }, () => new Set());
  readonly #slotOf = new Map<Timed, number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Number of ticks since `#startedAt`. */
  #ticks = 0;
  #startedAt = 0;
  #now: number;

  /** Sets the precision of deadlines to `tickMs`. */
  constructor(tickMs: number, clock: MonotonicClock) {
    this.#tickMs = tickMs;
    this.#clock = clock;
    this.#now = clock();
  }

  /** Time of the last tick, for hot paths that need no better precision. */
  get now(): number {
    return this.#now;
  }

  /** Checks `timed` after about `delayMs`, or earlier. Replaces its pending check. */
  add(timed: Timed, delayMs: number): void {
    this.delete(timed);
    if (this.#timer === undefined) {
      this.#now = this.#clock();
      this.#startedAt = this.#now - this.#ticks * this.#tickMs;
      this.#timer = setInterval(() => this.#tick(), this.#tickMs);
    }
    const ticks = Math.min(SLOTS - 1, Math.max(1, Math.ceil(delayMs / this.#tickMs)));
    const slot = (this.#ticks + ticks) % SLOTS;
    this.#slotOf.set(timed, slot);
    this.#slots[slot]?.add(timed);
  }

  /** Cancels the pending check. */
  delete(timed: Timed): void {
    const slot = this.#slotOf.get(timed);
    if (slot === undefined) return;
    this.#slotOf.delete(timed);
    this.#slots[slot]?.delete(timed);
    if (this.#slotOf.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const now = this.#clock();
    // Counts ticks from the start, since timers fire late and a busy event loop skips some. All due
    // slots are checked.
    const ticks = Math.floor((now - this.#startedAt) / this.#tickMs);
    const last = Math.max(this.#ticks, ticks - SLOTS);
    this.#ticks = ticks;
    this.#now = now;
    const due: Timed[] = [];
    for (let tick = last + 1; tick <= ticks; tick++) due.push(...this.#slots[tick % SLOTS] ?? []);
    for (const timed of due) {
      // A check may delete other objects, and its own.
      if (!this.#slotOf.has(timed)) continue;
      const nextMs = timed.check(now);
      if (this.#slotOf.has(timed)) this.add(timed, nextMs);
    }
  }
}
