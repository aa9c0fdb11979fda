/**
 * Distribution of the sum of `picked` ranks over all possible draws: `sums[s]` is the share of
 * draws with the sum `s`. Ranks are whole numbers; ties have half ranks, so callers double all
 * ranks.
 */
export function rankSumShares(ranks: readonly number[], picked: number): Float64Array {
  const largest = ranks.reduce((sum, rank) => sum + rank, 0);
  // ways[k][s]: draws of k of the ranks so far with the sum s. Shares of all draws avoid large
  // numbers.
  const ways = Array.from({ length: picked + 1 }, () => new Float64Array(largest + 1));
  const [none] = ways;
  if (none) none[0] = 1;
  ranks.forEach((rank, seen) => {
    for (let count = Math.min(picked, seen + 1); count > 0; count--) {
      const [with_, without] = [ways[count], ways[count - 1]];
      if (!with_ || !without) continue;
      for (let sum = largest; sum >= rank; sum--) with_[sum] = (with_[sum] ?? 0) + (without[sum - rank] ?? 0);
    }
  });
  const draws = ways[picked] ?? new Float64Array(0);
  const all = draws.reduce((sum, count) => sum + count, 0);
  return draws.map((count) => count / all);
}

/** Rank of each value from 1, doubled; equal values share the mean of their ranks. */
export function doubledRanks(values: readonly number[]): number[] {
  const sorted = values.toSorted((one, other) => one - other);
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  sorted.forEach((value, index) => {
    if (!first.has(value)) first.set(value, index + 1);
    last.set(value, index + 1);
  });
  return values.map((value) => (first.get(value) ?? 0) + (last.get(value) ?? 0));
}
