import type { Line } from "../report.ts";
import { pairedRatios, summarize, type Summary } from "../statistics.ts";
import { areDifferences, FALSE_SHARE } from "./false_discovery.ts";
import { type Change, estimateChange, leastLikelihood, rankTest } from "./rank_sum.ts";

/** Verdict on a figure. */
type Verdict = "faster" | "slower" | "no difference shown";

/** Figure of two runs. */
export interface ComparedFigure {
  readonly before: Line;
  readonly after: Line;
  /**
   * Compared values: ours divided by the peer's, or ours alone if the peer is no measurement of its
   * own.
   */
  readonly basis: "ratio" | "value";
  /** Compared values of both runs. */
  readonly compared: { readonly before: Summary; readonly after: Summary };
  /** Undefined if a sample is not above zero. */
  readonly change: Change | undefined;
  /** Probability that noise alone differs as much in this figure. */
  readonly likelihood: number;
  readonly verdict: Verdict;
  /** True if the rounds are too few to show any difference. */
  readonly isTooFew: boolean;
}

/** Comparison of two runs by figure. */
export interface Comparison {
  readonly figures: readonly ComparedFigure[];
  readonly onlyBefore: readonly Line[];
  readonly onlyAfter: readonly Line[];
  /** Minimum number of rounds per run that can show a difference in one of as many figures. */
  readonly roundsForOne: number;
  /** True if every figure has that many rounds. */
  readonly canShowOne: boolean;
}

/**
 * Compares two runs.
 * Each figure appears once, beside the peer of its target, or the first peer. Samples are ours
 * divided by the peer's of the same round. The runs were taken at different times, and a slower
 * machine slows both sides. The test compares ranks of these ratios (rank_sum.ts), and corrects for
 * the number of figures (false_discovery.ts).
 */
export function compareLines(before: readonly Line[], after: readonly Line[]): Comparison {
  const pairs = before.flatMap((line) => {
    const other = after.find((each) => isSame(line, each));
    return other ? [{ before: line, after: other }] : [];
  });
  const chosen = [...Map.groupBy(pairs, ({ before }) => figureKey(before)).values()].flatMap((group) =>
    (group.find((pair) => hasTarget(pair.before)) ?? group[0]) ?? []
  );
  const tested = chosen.map((pair) => ({ ...pair, ...test(pair.before, pair.after) }));
  const differ = areDifferences(tested.map(({ likelihood }) => likelihood));
  const figures = tested.map((figure, index): ComparedFigure => ({
    ...figure,
    verdict: differ[index] ? direction(figure.before, figure.compared) : "no difference shown",
  }));
  const level = FALSE_SHARE / Math.max(1, figures.length);
  return {
    figures,
    onlyBefore: before.filter((line) => !after.some((other) => isSame(line, other))),
    onlyAfter: after.filter((line) => !before.some((other) => isSame(line, other))),
    roundsForOne: roundsFor(level),
    canShowOne: figures.every(({ before, after }) => leastOf(before, after) <= level),
  };
}

/** True if the verdict concerns time; otherwise it concerns an amount. */
export function isTime({ unit }: Line): boolean {
  return /^(µs|ms|s)\b|second|^1\/s$/.test(unit);
}

function test(before: Line, after: Line): Omit<ComparedFigure, "before" | "after" | "verdict"> {
  const basis = isPeerMeasured(before) && isPeerMeasured(after) ? "ratio" : "value";
  const samplesOf = ({ ours, peer }: Line): readonly number[] =>
    basis === "ratio" ? pairedRatios(ours.samples, peer.samples) : ours.samples;
  const [one, other] = [samplesOf(before), samplesOf(after)];
  return {
    basis,
    compared: { before: summarize(one), after: summarize(other) },
    change: estimateChange(one, other),
    likelihood: rankTest(one, other),
    isTooFew: leastOf(before, after) > FALSE_SHARE,
  };
}

/** Cases with ours as the peer, in another use. The ratio would hide a change of both. */
const COMPARED_WITH_ITSELF: readonly string[] = ["hosted", "isolates"];

/**
 * True if the peer is a measurement. A limit, such as an isolate's memory, does not vary, and the
 * ratio of a figure to itself says nothing.
 */
function isPeerMeasured({ case: name, ours, peer }: Line): boolean {
  const [first] = peer.samples;
  return !COMPARED_WITH_ITSELF.includes(name) && peer.samples.every((value) => value > 0) &&
    (peer.samples.length === 1 || peer.samples.some((value) => value !== first)) &&
    peer.samples.some((value, round) => value !== ours.samples[round]);
}

function direction({ betterIs }: Line, { before, after }: ComparedFigure["compared"]): Verdict {
  const ranked = (values: Summary): number => meanRank(values, [...before.samples, ...after.samples]);
  const isMore = ranked(after) > ranked(before);
  return isMore === (betterIs === "more") ? "faster" : "slower";
}

/** Mean rank, which the test uses. Medians may be equal despite a difference. */
function meanRank({ samples }: Summary, all: readonly number[]): number {
  const below = (value: number): number =>
    all.reduce((sum, other) => sum + (other < value ? 1 : other === value ? 0.5 : 0), 0);
  return samples.reduce((sum, value) => sum + below(value), 0) / samples.length;
}

function isSame(one: Line, other: Line): boolean {
  return figureKey(one) === figureKey(other) && one.peerName === other.peerName && one.unit === other.unit;
}

function figureKey({ case: name, deno, figure }: Line): string {
  return [name, deno, figure].join("\n");
}

function hasTarget({ target, atLeast }: Line): boolean {
  return target !== undefined || atLeast !== undefined;
}

function leastOf(before: Line, after: Line): number {
  return leastLikelihood(before.ours.samples.length, after.ours.samples.length);
}

function roundsFor(level: number): number {
  let rounds = 1;
  while (leastLikelihood(rounds, rounds) > level) rounds++;
  return rounds;
}
