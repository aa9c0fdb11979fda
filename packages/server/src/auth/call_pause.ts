import type { MonotonicClock } from "../clocks.ts";
/** Pause if the refusal names none, in milliseconds. */
const DEFAULT_PAUSE_MS = 10_000;
/** Longest pause that a refusal may ask for. */
const MAX_PAUSE_MS = 60_000;
/** Wait of callers while the one that tries again is under way. */
const PROBE_WAIT_MS = 1_000;

/**
 * Circuit breaker: no call is made for a while after a service has answered 429. One call then
 * tries again, and the rest follow once it was not refused.
 */
export class CallPause {
  readonly #now: MonotonicClock;
  #isPaused = false;
  #until = -Infinity;
  #refusals = 0;
  #isProbing = false;

  constructor(now: MonotonicClock) {
    this.#now = now;
  }

  /** Begins a pause after an answer with status 429. `retryAfter` is its header, in seconds. */
  refused(retryAfter: string | null): void {
    const seconds = /^\d{1,9}$/.test(retryAfter ?? "") ? Number(retryAfter) : undefined;
    const pauseMs = seconds === undefined ? DEFAULT_PAUSE_MS : Math.max(1_000, seconds * 1_000);
    this.#refusals++;
    this.#isPaused = true;
    this.#until = Math.max(this.#until, this.#now() + Math.min(pauseMs, MAX_PAUSE_MS));
  }

  /** Time until a call may be made, in milliseconds; 0 if it may be made now. */
  get waitMs(): number {
    if (!this.#isPaused) return 0;
    return Math.max(0, this.#until - this.#now()) || (this.#isProbing ? PROBE_WAIT_MS : 0);
  }

  /** Makes a call that may be made now. `refused` may come before it settles. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (!this.#isPaused) return await call();
    const refusals = this.#refusals;
    this.#isProbing = true;
    try {
      return await call();
    } finally {
      this.#isProbing = false;
      this.#isPaused = this.#refusals !== refusals;
    }
  }
}
