import { RoomError } from "./errors.ts";

/** Messages on their way to a `for await` loop: bounded, in order. */
export class MessageQueue<T> implements AsyncIterableIterator<T> {
  readonly #waiting: T[] = [];
  readonly #limit: number;
  readonly #onEnd: () => void;
  /** Who asked for the next one before it came. */
  readonly #asking: ((result: Promise<IteratorResult<T>> | IteratorResult<T>) => void)[] = [];
  #end: { readonly error?: RoomError } | undefined;

  /** `onEnd` is called once, when nothing more is wanted. */
  constructor(limit: number, onEnd: () => void) {
    this.#limit = limit;
    this.#onEnd = onEnd;
  }

  /** Adds a message; over the limit the loop fails with `overflow` after what it has. */
  push(message: T): void {
    if (this.#end) return;
    const ask = this.#asking.shift();
    if (ask) ask({ done: false, value: message });
    else if (this.#waiting.length < this.#limit) this.#waiting.push(message);
    else this.end(new RoomError("overflow", `More than ${this.#limit} messages were not taken.`));
  }

  /** Ends the loop after what it has; with an error it throws that. */
  end(error?: RoomError): void {
    if (this.#end) return;
    this.#end = error ? { error } : {};
    this.#onEnd();
    for (const ask of this.#asking.splice(0)) ask(this.#last());
  }

  next(): Promise<IteratorResult<T>> {
    const [message] = this.#waiting;
    if (this.#waiting.length > 0) {
      this.#waiting.shift();
      return Promise.resolve({ done: false, value: message as T });
    }
    if (this.#end) return this.#last();
    return new Promise((resolve) => this.#asking.push(resolve));
  }

  return(): Promise<IteratorResult<T>> {
    this.#waiting.length = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #last(): Promise<IteratorResult<T>> {
    const error = this.#end?.error;
    // Thrown once; then the loop is just over.
    this.#end = {};
    return error ? Promise.reject(error) : Promise.resolve({ done: true, value: undefined });
  }
}
