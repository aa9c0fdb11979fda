/** Median and spread of one figure's samples. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly samples: readonly number[];
}

/** Summarises samples. @throws {RangeError} without a sample */
export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1];
  const high = sorted[sorted.length >> 1];
  const min = sorted[0];
  const max = sorted.at(-1);
  if (low === undefined || high === undefined || min === undefined || max === undefined) {
    throw new RangeError("no samples");
  }
  return { median: (low + high) / 2, min, max, samples };
}

/**
 * Returns the sample that `share` of all samples do not exceed: 0.5 gives a median, 0.99 nearly the
 * largest.
 * @throws {RangeError} without a sample
 */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const sample = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (sample === undefined) throw new RangeError("no samples");
  return sample;
}

/**
 * Ratios of samples of the same round. Noise that lasts longer than a round affects both sides, and
 * cancels out.
 * @throws {RangeError} if the sides differ in their number of samples
 */
export function pairedRatios(ours: readonly number[], peer: readonly number[]): number[] {
  return ours.map((value, round) => {
    const other = peer[round];
    if (other === undefined || peer.length !== ours.length) throw new RangeError("sides differ in length");
    return value / other;
  });
}
