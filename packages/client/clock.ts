/** Source of time; tests pass their own. */
export interface Clock {
  /**
   * Milliseconds on a monotonic clock: nobody can set it. Every elapsed time comes from it. It may
   * stand still while the machine sleeps.
   */
  now(): number;
  /** Milliseconds since 1970, for dates, for the age of stored messages, and to detect sleep. */
  wallNow(): number;
  /** Calls back once, `ms` milliseconds later at the earliest. Returns a function that cancels. */
  setTimer(callback: () => void, ms: number): () => void;
}

/** The system's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimer(callback, ms) {
    // Deno and Node warn about a negative delay.
    const timer = setTimeout(callback, Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};
