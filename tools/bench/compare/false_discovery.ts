/** Of what is called a difference, at most this share is expected to be noise; with nothing but noise, a run names any with this chance. */
export const FALSE_SHARE = 0.05;

/**
 * Which of many tests may be called a difference (Benjamini and Hochberg): the k smallest likelihoods, for the largest k
 * whose last one is at most k times FALSE_SHARE divided by their number. At 5 % each, fifty figures of two runs of the same
 * commit would have two or three "differences".
 */
export function areDifferences(likelihoods: readonly number[]): boolean[] {
  const sorted = likelihoods.toSorted((one, other) => one - other);
  const allowed = (rank: number): number => (rank + 1) / sorted.length * FALSE_SHARE;
  const bound = sorted.findLast((likelihood, rank) => likelihood <= allowed(rank)) ?? -1;
  return likelihoods.map((likelihood) => likelihood <= bound);
}
