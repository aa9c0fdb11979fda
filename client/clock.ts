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
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
