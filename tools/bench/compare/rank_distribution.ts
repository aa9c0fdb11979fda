/**
 * How often each sum of ranks comes up when `picked` of these ranks are drawn in every possible way: `sums[s]` is the share
 * of the draws whose ranks add up to `s`. Ranks are whole numbers, so that ties, whose ranks are halves, come in doubled.
 */
export function rankSumShares(ranks: readonly number[], picked: number): Float64Array {
  const largest = ranks.reduce((sum, rank) => sum + rank, 0);
  // ways[k][s]: draws of k of the ranks seen so far that add up to s. As shares of all draws they need no large numbers.
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

/** Each value's rank among all, from 1, times two: those that are equal share the middle of their ranks. */
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
