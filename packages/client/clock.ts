/** Source of time; tests pass their own. */
export interface Clock {
  /** Milliseconds since 1970, sleep included: the client detects sleep by it. */
  now(): number;
  /** Calls back once, `ms` milliseconds later at the earliest. Returns a function that cancels. */
  setTimer(callback: () => void, ms: number): () => void;
}

/** The system's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(callback, ms) {
    // Deno and Node warn about a negative delay.
    const timer = setTimeout(callback, Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};
