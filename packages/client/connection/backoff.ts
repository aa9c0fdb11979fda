/** Bounds of the wait between attempts, in milliseconds. */
export interface BackoffBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Wait after a number of failures in a row: random, up to a bound that doubles each time ("full
 * jitter"). Clients that lost the same server spread their reconnects.
 */
export function backoffMs(failures: number, { minMs, maxMs }: BackoffBounds, random: () => number): number {
  return Math.floor(random() * Math.min(maxMs, minMs * 2 ** (failures - 1)));
}
