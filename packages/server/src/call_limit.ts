/** Runs at most `running` calls at once. Further ones wait in their order, at most `waiting`. */
export class CallLimit {
  readonly #running: number;
  readonly #waiting: number;
  readonly #full: () => Error;
  readonly #queue: (() => void)[] = [];
  #count = 0;

  /** `full` makes the error of a call for which no place is left, neither to run nor to wait. */
  constructor(
    running: number,
    waiting: number,
    full: () => Error = () => new Error("Too many calls wait. Retry shortly."),
  ) {
    this.#running = running;
    this.#waiting = waiting;
    this.#full = full;
  }

  /** True if no call runs. */
  get isIdle(): boolean {
    return this.#count === 0;
  }

  /** Runs a call as soon as the limit permits. Rejects if too many calls wait already. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#count < this.#running) this.#count++;
    else {
      if (this.#queue.length >= this.#waiting) throw this.#full();
      await new Promise<void>((resolve) => void this.#queue.push(resolve));
    }
    try {
      return await call();
    } finally {
      // The next call takes over this one's place.
      const next = this.#queue.shift();
      if (next) next();
      else this.#count--;
    }
  }
}
