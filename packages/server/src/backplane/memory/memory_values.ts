import type { MonotonicClock } from "../../clocks.ts";
import { BackplaneUnavailable } from "../contract.ts";

/** Bound of all keys and values, in UTF-16 code units: 8 to 16 MB. */
const MAX_LENGTH = 8_000_000;
/** Length that a value counts beside its text. */
const OVERHEAD = 200;

interface Value {
  readonly text: string;
  readonly expiresAt: number;
  readonly length: number;
}

/** One-use values in memory. At the bound no value is taken in until the oldest has expired. */
export class MemoryValues {
  readonly #now: MonotonicClock;
  readonly #maxLength: number;
  /** The oldest value first: a `Map` keeps the order of insertion. */
  readonly #values = new Map<string, Value>();
  #length = 0;

  constructor(now: MonotonicClock, maxLength: number = MAX_LENGTH) {
    this.#now = now;
    this.#maxLength = maxLength;
  }

  /** Number of values, some expired ones included. */
  get size(): number {
    return this.#values.size;
  }

  /** See `Backplane.put`. @throws {BackplaneUnavailable} if there is no space */
  put(key: string, text: string, ttlMs: number): void {
    this.#remove(key);
    this.#removeExpired();
    const length = key.length + text.length + OVERHEAD;
    if (this.#length + length > this.#maxLength) {
      throw new BackplaneUnavailable("Too many one-use values wait in memory. Retry shortly.");
    }
    this.#values.set(key, { text, length, expiresAt: this.#now() + ttlMs });
    this.#length += length;
  }

  /** See `Backplane.take`. */
  take(key: string): string | undefined {
    const value = this.#remove(key);
    return value && value.expiresAt > this.#now() ? value.text : undefined;
  }

  /** Removes the oldest values until one has not expired. */
  #removeExpired(): void {
    for (const [key, { expiresAt }] of this.#values) {
      if (expiresAt > this.#now()) return;
      this.#remove(key);
    }
  }

  #remove(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (!value) return undefined;
    this.#values.delete(key);
    this.#length -= value.length;
    return value;
  }
}
