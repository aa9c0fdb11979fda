/** Rate limit: `perSecond` on average, bursts of up to `capacity`. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #tokens: number;
  #at: number;

  /** Starts with a full bucket. `now` is in milliseconds, as in `take`. */
  constructor(perSecond: number, capacity: number, now: number) {
    this.#perMs = perSecond / 1000;
    this.#capacity = capacity;
    this.#tokens = capacity;
    this.#at = now;
  }

  /**
   * Takes one token and returns 0; if none is left, returns the milliseconds until the next one.
   */
  take(now: number): number {
    this.#refill(now);
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.ceil((1 - this.#tokens) / this.#perMs);
  }

  /** Number of tokens that are left. */
  remaining(now: number): number {
    this.#refill(now);
    return Math.max(0, Math.floor(this.#tokens));
  }

  /** Milliseconds until the bucket is full again. */
  fullInMs(now: number): number {
    this.#refill(now);
    return Math.ceil((this.#capacity - this.#tokens) / this.#perMs);
  }

  /** Takes all tokens: the next one comes after `waitMs` at the earliest. */
  empty(waitMs: number, now: number): void {
    this.#refill(now);
    this.#tokens = Math.min(this.#tokens, 1 - waitMs * this.#perMs);
  }

  #refill(now: number): void {
    if (now <= this.#at) return;
    this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}
