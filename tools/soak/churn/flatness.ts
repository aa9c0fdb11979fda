/** One measurement. */
export interface Sample {
  /** Seconds since the run began. */
  readonly at: number;
  /** Bytes. */
  readonly value: number;
}

/** Growth over time. */
export interface Flatness {
  readonly median: number;
  /** Gain of the least squares line from the first sample to the last, in bytes. */
  readonly rise: number;
  /** The rise as a part of the median: 0.05 is 5 %. */
  readonly riseShare: number;
  readonly isFlat: boolean;
}

/** Bound of a flat line: its rise as a part of the median. */
export const FLAT_BELOW = 0.05;

/**
 * Judges the second half of the samples; what falls is flat too. @throws {RangeError} when that is
 * fewer than three
 */
export function judgeFlatness(samples: readonly Sample[]): Flatness {
  const half = samples.slice(Math.floor(samples.length / 2));
  const [first, last] = [half[0], half.at(-1)];
  if (!first || !last || half.length < 3) throw new RangeError("Flatness takes six samples or more.");
  const rise = slope(half) * (last.at - first.at);
  const sorted = half.map(({ value }) => value).sort((one, other) => one - other);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const riseShare = rise / median;
  return { median, rise, riseShare, isFlat: riseShare < FLAT_BELOW };
}

/** Slope of the least squares line, in bytes a second. */
function slope(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [meanAt, meanValue] = [mean(({ at }) => at), mean(({ value }) => value)];
  const covariance = mean(({ at, value }) => (at - meanAt) * (value - meanValue));
  return covariance / mean(({ at }) => (at - meanAt) ** 2);
}
