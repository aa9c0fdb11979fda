/** How many empty places at the start are put up with. */
const MAX_EMPTY = 32;

/**
 * First in, first out, and readable by place; each operation takes constant time on average. An array alone does not do:
 * its `shift` moves everything once it holds some ten thousand.
 */
export class Queue<T extends object> {
  readonly #items: (T | undefined)[] = [];
  #start = 0;

  /** How many there are. */
  get length(): number {
    return this.#items.length - this.#start;
  }

  /** The oldest one. */
  get oldest(): T | undefined {
    return this.#items[this.#start];
  }

  /** Adds one as the newest. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the oldest one out; nothing when there is none. */
  shift(): T | undefined {
    const item = this.#items[this.#start];
    if (item === undefined) return undefined;
    // Not only passed by: what was taken out must be free to be collected.
    this.#items[this.#start++] = undefined;
    if (this.#start > MAX_EMPTY && this.#start * 2 > this.#items.length) {
      this.#items.splice(0, this.#start);
      this.#start = 0;
    }
    return item;
  }

  /** Those from the place `from` to before the place `to`; the oldest one has the place 0. */
  slice(from: number, to: number): T[] {
    const items: T[] = [];
    for (let place = from; place < to; place++) {
      const item = this.#items[this.#start + place];
      if (item !== undefined) items.push(item);
    }
    return items;
  }
}
