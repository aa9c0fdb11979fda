import { BackplaneUnavailable } from "./contract.ts";

/** Runs at most `running` calls at once. Further ones wait in their order, at most `waiting`. */
export class CallLimit {
  readonly #running: number;
  readonly #waiting: number;
  readonly #queue: (() => void)[] = [];
  #count = 0;

  constructor(running: number, waiting: number) {
    this.#running = running;
    this.#waiting = waiting;
  }

  /**
   * Runs a call as soon as the limit permits.
   * @throws {BackplaneUnavailable} as a rejection, if too many calls wait already
   */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#count < this.#running) this.#count++;
    else {
      if (this.#queue.length >= this.#waiting) {
        throw new BackplaneUnavailable("The read queue of this isolate is full. Retry shortly.");
      }
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
