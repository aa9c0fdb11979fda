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
  return Math.floor(random() * Math.min(maxMs, minMs * 2 ** (failures - 1)));
}
