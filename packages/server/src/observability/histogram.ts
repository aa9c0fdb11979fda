import type { Labels, Sample } from "./metrics_text.ts";

/** Upper bounds of the buckets, in seconds. */
const BOUNDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** Counts durations in buckets. */
export class Histogram {
  readonly #counts: number[] = new Array(BOUNDS.length + 1).fill(0);
  #sumMs = 0;

  /** Counts a duration, in milliseconds. */
  observe(ms: number): void {
    let bucket = 0;
    while (ms > (BOUNDS[bucket] ?? Infinity) * 1000) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMs += ms;
  }

  /** Returns the lines of this histogram; each bucket counts those below it too. */
  samples(labels: Labels = {}): Sample[] {
    let count = 0;
    const buckets = this.#counts.map((inBucket, index) => ({
      suffix: "_bucket",
      labels: { ...labels, le: String(BOUNDS[index] ?? "+Inf") },
      value: count += inBucket,
    }));
    const sum = { suffix: "_sum", labels, value: this.#sumMs / 1000 };
    return [...buckets, sum, { suffix: "_count", labels, value: count }];
  }
}
