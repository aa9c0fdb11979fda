import { doubledRanks, rankSumShares } from "./rank_distribution.ts";

/** Up to so many samples of both sides every draw is counted; above, the sum of ranks is as good as normal. */
const MOST_EXACT = 60;
/** What rounding may do to a sum of shares. */
const ROUNDING = 1e-9;

/**
 * The two-sided Mann-Whitney test: how likely two sets of samples from one and the same source are to differ in their ranks
 * as much as these do. Exact for up to 60 samples, ties included; it asks nothing of how the noise is distributed, and one
 * round that a neighbour disturbed counts as one, however far off it is.
 *
 * @throws {RangeError} when a side has no sample
 */
export function rankTest(before: readonly number[], after: readonly number[]): number {
  if (before.length === 0 || after.length === 0) throw new RangeError("no samples");
  const all = [...before, ...after];
  const ranks = doubledRanks(all);
  const sum = ranks.slice(0, before.length).reduce((total, rank) => total + rank, 0);
  const expected = before.length * (all.length + 1);
  const distance = Math.abs(sum - expected);
  if (all.length > MOST_EXACT) return normalTest(ranks, before.length, distance);
  let likelihood = 0;
  rankSumShares(ranks, before.length).forEach((share, drawn) => {
    if (Math.abs(drawn - expected) >= distance) likelihood += share;
  });
  return Math.min(1, likelihood);
}

/** The least that the test can return for so many samples: every one of a side is above all of the other. */
export function leastLikelihood(before: number, after: number): number {
  let draws = 1;
  for (let picked = 1; picked <= before; picked++) draws *= (after + picked) / picked;
  return Math.min(1, 2 / draws);
}

/** A change by a factor, and how far it can be trusted. */
export interface Change {
  /** Of all pairs of a sample before and one after, the median of their ratios: 1.1 is a tenth more. */
  readonly factor: number;
  /** Where the factor is, with 95 % confidence; null where the samples are too few to say. */
  readonly interval: readonly [number, number] | null;
}

/** By how much samples have changed (Hodges and Lehmann); undefined unless all are above zero. */
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

/** The interval begins at this one of the sorted factors, counted from 1, and ends as far from their end; 0: there is none. */
function skippedFactors(before: number, after: number): number {
  const count = before + after;
  if (count > MOST_EXACT) {
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
  // Half a rank, doubled as all ranks here are, towards the middle: sums are whole numbers.
  return upperTail(Math.max(0, distance - 1) / Math.sqrt(variance)) * 2;
}

/** The share of a normal distribution above `z` of at least 0: Abramowitz and Stegun, 26.2.17, off by less than 1e-7. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const density = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  return density * t *
    (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
}
