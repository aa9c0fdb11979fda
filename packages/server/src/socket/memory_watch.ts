/** How memory is watched. */
export interface MemoryWatchOptions {
  /** Above it no new connection is taken, in bytes. */
  readonly maxBytes: number;
  /** What is in use, in bytes. */
  readonly usedBytes: () => number;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
}

/** Asking costs 10 µs, a twentieth of a connect: what was said holds for so long. */
const LOOK_AGAIN_MS = 250;

/** Tells when there is too little memory for new connections, so that they land elsewhere before the host ends the isolate. */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  #lookedAt = -Infinity;
  #isShort = false;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  /** Whether more than `maxBytes` are in use, as of a moment ago. */
  get isShort(): boolean {
    const now = this.#options.now();
    if (now - this.#lookedAt < LOOK_AGAIN_MS) return this.#isShort;
    this.#lookedAt = now;
    return this.#isShort = this.#options.usedBytes() > this.#options.maxBytes;
  }
}

/** What V8's heap and what it holds outside take: what the host counts; the process' own pages are not its business. */
export function usedMemory(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
