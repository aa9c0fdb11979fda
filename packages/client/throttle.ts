/** Keeps to how many frames the server takes (`welcome.limits`), so that none is refused: what it allows at once, then so many a second. */
export class Pace {
  readonly #perMs: number;
  readonly #burst: number;
  #left: number;
  #at: number;

  /** A tenth less than what is allowed: frames bunch up on their way. */
  constructor(perSecond: number, burst: number, now: number) {
    this.#perMs = 0.9 * perSecond / 1000;
    this.#burst = Math.max(1, 0.9 * burst);
    this.#left = this.#burst;
    this.#at = now;
  }

  /** In how many milliseconds one more frame may go. */
  waitMs(now: number): number {
    this.#left = Math.min(this.#burst, this.#left + Math.max(0, now - this.#at) * this.#perMs);
    this.#at = now;
    return Math.ceil(Math.max(0, 1 - this.#left) / this.#perMs);
  }

  /** Counts a frame that goes. */
  take(): void {
    this.#left--;
  }
}
