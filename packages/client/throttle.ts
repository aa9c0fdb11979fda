/**
 * Limits sent frames to the server's rate (`welcome.limits`), so that none is refused: a burst
 * first, then a number per second.
 */
export class Throttle {
  readonly #perMs: number;
  readonly #burst: number;
  #left: number;
  #at: number;

  /** Uses 90 % of the limits, since frames bunch up on the way. */
  constructor(perSecond: number, burst: number, now: number) {
    this.#perMs = 0.9 * perSecond / 1000;
    this.#burst = Math.max(1, 0.9 * burst);
    this.#left = this.#burst;
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
