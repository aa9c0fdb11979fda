/**
 * Reads the wall clock: milliseconds since 1970. It steps when somebody or NTP sets it, so only the
 * expiry of tokens and times for people (`at`) come from it. Its name is always `wallNow`.
 */
export interface WallClock {
  (): number;
  /** Keeps the compiler from taking one clock for the other; never set. */
  readonly clock?: "wall";
}

/**
 * Reads a clock that never steps, in milliseconds since any moment. Every elapsed time comes from
 * it. Its name is always `now`.
 */
export interface MonotonicClock {
  (): number;
  /** Keeps the compiler from taking one clock for the other; never set. */
  readonly clock?: "monotonic";
}

/** The system's wall clock. */
export const wallClock: WallClock = (): number => Date.now();

/** The system's monotonic clock, with fractions of a millisecond. */
export const preciseClock: MonotonicClock = (): number => performance.now();

/** Longest time between two readings of the precise clock, in milliseconds. */
const TRUSTED_MS = 16;

/**
 * Creates a monotonic clock of whole milliseconds that each frame and log line may read. Deno 2.1.4
 * takes 2 to 4 µs for a precise reading, and 0.1 µs for one of the wall clock. So the wall clock
 * counts the next 16 ms after a precise reading. A step of the wall clock puts this clock ahead by
 * 16 ms at most, or makes it stand still for 16 ms at most.
 */
export function createCoarseClock(
  wallNow: WallClock = wallClock,
  preciseNow: MonotonicClock = preciseClock,
): MonotonicClock {
  let wallMs = -Infinity;
  let baseMs = -Infinity;
  let lastMs = -Infinity;
  return () => {
    const readMs = wallNow();
    let elapsedMs = readMs - wallMs;
    if (elapsedMs < 0 || elapsedMs >= TRUSTED_MS) {
      wallMs = readMs;
      baseMs = Math.floor(preciseNow());
      elapsedMs = 0;
    }
    return lastMs = Math.max(lastMs, baseMs + elapsedMs);
  };
}
