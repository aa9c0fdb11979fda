/**
 * Maximum expected share of noise among the reported differences. With noise alone, a run reports
 * any difference with this probability.
 */
export const FALSE_SHARE = 0.05;

/**
 * Selects the tests that may be called differences, by Benjamini and Hochberg: the k smallest
 * likelihoods, for the largest k whose last one is at most k times FALSE_SHARE divided by their
 * number. At 5 % each, fifty figures of two runs of one commit would show two or three false
 * differences.
 */
export function areDifferences(likelihoods: readonly number[]): boolean[] {
  const sorted = likelihoods.toSorted((one, other) => one - other);
  const allowed = (rank: number): number => (rank + 1) / sorted.length * FALSE_SHARE;
  const bound = sorted.findLast((likelihood, rank) => likelihood <= allowed(rank)) ?? -1;
  return likelihoods.map((likelihood) => likelihood <= bound);
}
