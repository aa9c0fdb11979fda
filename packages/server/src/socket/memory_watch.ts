/** Options of `MemoryWatch`. */
export interface MemoryWatchOptions {
  /** Bound above which no new connection is accepted, in bytes. */
  readonly maxBytes: number;
  /** Reads the memory in use, in bytes. */
  readonly usedBytes: () => number;
  /** Clock, in milliseconds; only differences count. */
  readonly now: () => number;
}

/** Interval between reads. A read costs 10 µs, a twentieth of a connect. */
const CHECK_INTERVAL_MS = 250;

/**
 * Detects too little memory for new connections, so that they reach another isolate before the host
 * ends this one.
 */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  #checkedAt = -Infinity;
  #isShort = false;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  /** True if more than `maxBytes` were in use at the last read, at most 250 ms ago. */
  get isShort(): boolean {
    const now = this.#options.now();
    if (now - this.#checkedAt < CHECK_INTERVAL_MS) return this.#isShort;
    this.#checkedAt = now;
    return this.#isShort = this.#options.usedBytes() > this.#options.maxBytes;
  }
}

/**
 * Reads V8's heap and external memory, in bytes. The host counts these, not the pages of the
 * process.
 */
export function usedMemory(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
