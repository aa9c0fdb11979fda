/** Summary of many durations, in milliseconds. */
export interface DurationSummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

/** Median, 99th percentile and maximum of the values; all 0 without values. */
export function summarizeDurations(values: readonly number[]): DurationSummary {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), worst: at(1) };
}

/** Upper bounds of the bars, in milliseconds. */
const BOUNDS = [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, Infinity];
const WIDTH = 40;

/** Draws a histogram as lines of text, from the first to the last non-empty bar. */
export function drawHistogram(values: readonly number[]): string[] {
  const bars = BOUNDS.map((bound, at) => {
    const from = BOUNDS[at - 1] ?? 0;
    return { from, bound, count: values.filter((value) => value >= from && value < bound).length };
  });
  const first = bars.findIndex(({ count }) => count > 0);
  if (first < 0) return [];
  const most = Math.max(...bars.map(({ count }) => count));
  const shown = bars.slice(first, bars.findLastIndex(({ count }) => count > 0) + 1);
  return shown.map(({ from, bound, count }) => {
    const range = bound === Infinity ? `from ${from}` : `${from} to ${bound}`;
    const bar = "#".repeat(Math.ceil(count / most * WIDTH));
    return `${range.padStart(16)} ms  ${bar.padEnd(WIDTH)}  ${count}`;
  });
}

/** Largest number of moments (in milliseconds) within one second. */
export function peakPerSecond(moments: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const moment of moments) {
    const second = Math.floor(moment / 1_000);
    counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}
