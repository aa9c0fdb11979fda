/** Time, so that a test can have its own. */
export interface Clock {
  /** Milliseconds since 1970. Goes on while a machine sleeps, which is how the client notices that it did. */
  now(): number;
  /** Calls back once after `ms` milliseconds, or later; what it returns takes that back. */
  setTimer(callback: () => void, ms: number): () => void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(callback, ms) {
    // A negative wait is a warning on Deno and Node.
    const timer = setTimeout(callback, Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};
