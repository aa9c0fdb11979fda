import type { MonotonicClock } from "./clocks.ts";

/** Options of `ExpiringCache`. */
export interface ExpiringCacheOptions<Key, Value> {
  /** Number of values that are kept; 0 keeps none. */
  readonly maxEntries: number;
  /**
   * Returns the time at which a value expires, on the clock of `now`. A time that is over keeps the
   * value out of the cache. `startedAtMs` is the time at which loading began.
   */
  readonly expiresAt: (value: Value, startedAtMs: number) => number;
  readonly now: MonotonicClock;
  /** False keeps a value out of the cache, or drops it. Default: every value is valid. */
  readonly isValid?: (value: Value) => boolean;
  /** Called once the cache holds nothing for a key any more, neither a value nor a load. */
  readonly onRemoved?: (key: Key) => void;
}

interface Entry<Value> {
  readonly value: Value;
  readonly expiresAtMs: number;
}

/**
 * Values that expire. A full cache drops the value that was stored first. Callers with the same key
 * share one load. A rejection reaches these callers only and is not cached.
 */
export class ExpiringCache<Key, Value> {
  readonly #options: ExpiringCacheOptions<Key, Value>;
  /** Ordered by age: a `Map` keeps the order of insertion. */
  readonly #entries = new Map<Key, Entry<Value>>();
  readonly #loads = new Map<Key, Promise<Value>>();

  constructor(options: ExpiringCacheOptions<Key, Value>) {
    this.#options = options;
  }

  /** Number of stored values, expired ones included. */
  get size(): number {
    return this.#entries.size;
  }

  /** Returns the cached value, joins the load of the key that is under way, or starts one. */
  get(key: Key, load: () => Promise<Value>): Promise<Value> {
    const entry = this.#entries.get(key);
    if (entry && this.#isFresh(entry)) return Promise.resolve(entry.value);
    return this.#loads.get(key) ?? this.#start(key, load);
  }

  /** Returns the cached value; undefined if there is none, or if it has expired. */
  peek(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    return entry && this.#isFresh(entry) ? entry.value : undefined;
  }

  /** Stores a value that needs no load. The key is then the newest one. */
  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#store(key, value, this.#options.now());
  }

  /** Drops the value of a key. A load under way still reaches its callers, but is not stored. */
  delete(key: Key): void {
    const hadValue = this.#entries.delete(key);
    if (this.#loads.delete(key) || hadValue) this.#options.onRemoved?.(key);
  }

  #start(key: Key, load: () => Promise<Value>): Promise<Value> {
    const startedAtMs = this.#options.now();
    // `load` runs in a microtask, so that a synchronous throw rejects too.
    const loading: Promise<Value> = Promise.resolve().then(load).then(
      (value) => {
        this.#settle(key, loading, () => this.#store(key, value, startedAtMs));
        return value;
      },
      (error) => {
        this.#settle(key, loading);
        throw error;
      },
    );
    this.#loads.set(key, loading);
    return loading;
  }

  /** Ends a load, unless `delete` did so before. */
  #settle(key: Key, loading: Promise<Value>, store?: () => void): void {
    if (this.#loads.get(key) !== loading) return;
    this.#loads.delete(key);
    this.#entries.delete(key);
    store?.();
    if (!this.#entries.has(key)) this.#options.onRemoved?.(key);
  }

  #store(key: Key, value: Value, startedAtMs: number): void {
    const { maxEntries, expiresAt } = this.#options;
    const entry = { value, expiresAtMs: expiresAt(value, startedAtMs) };
    if (!this.#isFresh(entry) || maxEntries < 1) return;
    if (this.#entries.size >= maxEntries) this.#dropOldest();
    this.#entries.set(key, entry);
  }

  #isFresh({ value, expiresAtMs }: Entry<Value>): boolean {
    const { now, isValid } = this.#options;
    return now() < expiresAtMs && (isValid?.(value) ?? true);
  }

  #dropOldest(): void {
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      if (!this.#loads.has(oldest)) this.#options.onRemoved?.(oldest);
      return;
    }
  }
}
