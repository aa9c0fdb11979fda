import { doubledRanks, rankSumShares } from "./rank_distribution.ts";

/** Largest number of samples for the exact test. Above it, the sum of ranks is nearly normal. */
const MAX_EXACT = 60;
/** Tolerance for rounding errors in a sum of shares. */
const ROUNDING = 1e-9;

/**
 * Two-sided Mann-Whitney test: the probability that two sets of samples from one source differ in
 * their ranks at least as much as these. Exact for up to 60 samples, ties included. The test
 * assumes no distribution of the noise, and an outlier counts as one sample.
 * @throws {RangeError} if a side has no sample
 */
export function rankTest(before: readonly number[], after: readonly number[]): number {
  if (before.length === 0 || after.length === 0) throw new RangeError("no samples");
  const all = [...before, ...after];
  const ranks = doubledRanks(all);
  const sum = ranks.slice(0, before.length).reduce((total, rank) => total + rank, 0);
  const expected = before.length * (all.length + 1);
  const distance = Math.abs(sum - expected);
  if (all.length > MAX_EXACT) return normalTest(ranks, before.length, distance);
  let likelihood = 0;
  rankSumShares(ranks, before.length).forEach((share, drawn) => {
    if (Math.abs(drawn - expected) >= distance) likelihood += share;
  });
  return Math.min(1, likelihood);
}

/** Smallest possible result of the test: all samples of one side are above all of the other. */
export function leastLikelihood(before: number, after: number): number {
  let draws = 1;
  for (let picked = 1; picked <= before; picked++) draws *= (after + picked) / picked;
  return Math.min(1, 2 / draws);
}

/** Change by a factor, with its confidence interval. */
export interface Change {
  /** Median ratio over all pairs of a sample after and a sample before: 1.1 is a tenth more. */
  readonly factor: number;
  /** 95 % confidence interval of the factor; null if the samples are too few. */
  readonly interval: readonly [number, number] | null;
}

/**
 * Estimates the change between samples (Hodges and Lehmann); undefined unless all are above zero.
 */
export function estimateChange(before: readonly number[], after: readonly number[]): Change | undefined {
  if ([...before, ...after].some((value) => value <= 0)) return undefined;
  const factors = after.flatMap((value) => before.map((other) => value / other))
    .toSorted((one, other) => one - other);
  const low = factors[(factors.length - 1) >> 1];
  const high = factors[factors.length >> 1];
  if (low === undefined || high === undefined) return undefined;
  const skipped = skippedFactors(before.length, after.length);
  const [from, to] = [factors[skipped - 1], factors[factors.length - skipped]];
  const interval = from === undefined || to === undefined ? null : [from, to] as const;
  return { factor: Math.sqrt(low * high), interval };
}

/**
 * Position of the interval's start among the sorted factors, from 1; the end is symmetric. 0: no
 * interval.
 */
function skippedFactors(before: number, after: number): number {
  const count = before + after;
  if (count > MAX_EXACT) {
    const spread = Math.sqrt(before * after * (count + 1) / 12);
    return Math.max(0, Math.floor(before * after / 2 - 1.96 * spread));
  }
  const ranks = Array.from({ length: count }, (_, index) => index + 1);
  const least = before * (before + 1) / 2;
  let below = 0;
  let skipped = 0;
  for (const share of rankSumShares(ranks, before).subarray(least)) {
    below += share;
    if (below > 0.025 + ROUNDING) break;
    skipped++;
  }
  return skipped;
}

function normalTest(ranks: readonly number[], picked: number, distance: number): number {
  const count = ranks.length;
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / count;
  const squares = ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0);
  const variance = picked * (count - picked) / (count * (count - 1)) * squares;
  if (variance === 0) return 1;
  // Continuity correction of half a rank, doubled like all ranks, because sums are whole numbers.
  return upperTail(Math.max(0, distance - 1) / Math.sqrt(variance)) * 2;
}

/**
 * Upper tail of the normal distribution for `z` of at least 0 (Abramowitz and Stegun 26.2.17, error
 * below 1e-7).
 */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const density = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  return density * t *
    (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
}
