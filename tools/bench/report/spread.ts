/** Median, minimum and maximum of a figure's samples. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Summarises samples. @throws {RangeError} without a sample */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((one, other) => one - other);
  const low = sorted[(sorted.length - 1) >> 1];
  const high = sorted[sorted.length >> 1];
  if (low === undefined || high === undefined) throw new RangeError("no samples");
  return { median: (low + high) / 2, min: sorted[0] ?? low, max: sorted.at(-1) ?? high };
}

/**
 * Ratios of samples of the same round. Noise that lasts longer than a round affects both sides, and
 * cancels out.
 * @throws {RangeError} if the sides differ in their number of samples
 */
export function pairedRatios(ours: readonly number[], peer: readonly number[]): number[] {
  if (peer.length !== ours.length) throw new RangeError("the sides differ in their number of samples");
  return ours.map((value, round) => value / (peer[round] ?? NaN));
}

/** Formats a median with its spread, such as `11.0 (10.5–30.0)`. */
export function spreadText(spread: Spread, digits: number = digitsOf(spread)): string {
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) => value.toFixed(digits));
  return `${median} (${min}–${max})`;
}

/** Number of fraction digits: none for counts and large figures, more for small ones. */
function digitsOf({ median, min, max }: Spread): number {
  if ([median, min, max].every(Number.isInteger) || median >= 1_000) return 0;
  return median < 1 ? 3 : median < 10 ? 2 : 1;
}
