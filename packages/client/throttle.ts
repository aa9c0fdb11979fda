/**
 * Limits sent frames to the server's rate (`welcome.limits`), so that none is refused: a burst
 * first, then a number per second. Nothing may be sent before the first `limit`.
 */
export class Throttle {
  #perMs = 0;
  #burst = 0;
  #left = 0;
  #at = 0;

  /** Sets or changes the limits. Uses 90 % of them, since frames bunch up on the way. */
  limit(perSecond: number, burst: number, now: number): void {
    const before = this.#burst;
    this.#burst = Math.max(1, 0.9 * burst);
    this.#left += this.#burst - before;
    this.#perMs = 0.9 * perSecond / 1000;
    this.#at = now;
  }

  /** Wait before the next frame, in milliseconds. */
  waitMs(now: number): number {
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs);
    this.#at = now;
    return Math.ceil(Math.max(0, 1 - this.#left) / this.#perMs);
  }

  /** Counts a sent frame. */
  take(): void {
    this.#left--;
  }
}
