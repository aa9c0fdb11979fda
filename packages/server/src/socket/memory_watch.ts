import type { MonotonicClock } from "../clocks.ts";

/** Options of `MemoryWatch`. */
export interface MemoryWatchOptions {
  /** Bound above which no new connection is accepted, in bytes. */
  readonly maxBytes: number;
  /** Reads the memory in use, in bytes. */
  readonly usedBytes: () => number;
  readonly now: MonotonicClock;
  /** Called when a read is the first one above the bound. */
  readonly onShort: (usedBytes: number) => void;
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
    const { now, usedBytes, maxBytes, onShort } = this.#options;
    const time = now();
    if (time - this.#checkedAt < CHECK_INTERVAL_MS) return this.#isShort;
    this.#checkedAt = time;
    const used = usedBytes();
    const wasShort = this.#isShort;
    this.#isShort = used > maxBytes;
    if (this.#isShort && !wasShort) onShort(used);
    return this.#isShort;
  }
}

/**
 * Reads V8's heap and external memory, in bytes. The host counts these, not the pages of the
 * process, which other isolates share.
 */
export function usedMemory(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/**
 * Reads the resident memory of the process, in bytes. Only this figure contains what Deno holds
 * outside V8: fragments of unfinished WebSocket messages, and frames that wait for slow readers.
 */
export function residentMemory(): number {
  return Deno.memoryUsage().rss;
}
