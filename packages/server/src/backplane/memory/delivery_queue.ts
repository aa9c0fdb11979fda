/** Removed items at the front that are tolerated before the array is compacted. */
const MAX_EMPTY = 32;

/**
 * First-in, first-out queue with access by index. Each operation takes amortized constant time. A
 * plain array does not: its `shift` moves all items once it holds some ten thousand.
 */
export class Queue<T extends object> {
  readonly #items: (T | undefined)[] = [];
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  /** Oldest item; undefined if the queue is empty. */
  get oldest(): T | undefined {
    return this.#items[this.#start];
  }

  /** Appends the newest item. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Removes and returns the oldest item; undefined if the queue is empty. */
  shift(): T | undefined {
    const item = this.#items[this.#start];
    if (item === undefined) return undefined;
    // Clears the reference, so that the garbage collector can free the item.
    this.#items[this.#start++] = undefined;
    if (this.#start > MAX_EMPTY && this.#start * 2 > this.#items.length) {
      this.#items.splice(0, this.#start);
      this.#start = 0;
    }
    return item;
  }

  /** Returns the items from index `from` to before index `to`; the oldest item has index 0. */
  slice(from: number, to: number): T[] {
    const items: T[] = [];
    for (let index = from; index < to; index++) {
      const item = this.#items[this.#start + index];
      if (item !== undefined) items.push(item);
    }
    return items;
  }
}
