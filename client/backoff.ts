/** Bounds of the wait between attempts, in milliseconds. */
export interface BackoffBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait after the `failures`-th failure in a row: anything from nothing to a bound that doubles each time ("full jitter"),
 * so that clients that lost the same server do not come back at the same moment.
 */
export function backoffMs(failures: number, { minMs, maxMs }: BackoffBounds, random: () => number): number {
  // From 2 ** 31 on the bound is maxMs whatever it is.
  const doublings = Math.min(31, Math.max(0, failures - 1));
  return Math.floor(random() * Math.min(maxMs, minMs * 2 ** doublings));
}
