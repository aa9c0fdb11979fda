import { z } from "zod";
import { pairedRatios, summarize, type Summary } from "./statistics.ts";

const summarySchema = z.object({
  median: z.number(),
  min: z.number(),
  max: z.number(),
  samples: z.array(z.number()).min(1).readonly(),
}).readonly();

/** One measured figure beside its peer's, and what is asked of their ratio, as it stands in the JSON. */
export const lineSchema = z.object({
  case: z.string(),
  deno: z.string(),
  figure: z.string(),
  unit: z.string(),
  betterIs: z.enum(["less", "more"]),
  ours: summarySchema,
  peerName: z.string(),
  peer: summarySchema,
  /** Ours divided by the peer's, round by round. */
  ratio: summarySchema,
  /** The largest ratio allowed; undefined where more is better, and for a line that only informs. */
  target: z.number().optional(),
  /** The smallest ratio allowed, where more is better. */
  atLeast: z.number().optional(),
  /** What is held against the target: the median of the rounds' ratios, or each of them. */
  judgedBy: z.enum(["median", "every round"]),
  met: z.boolean().optional(),
  /** Figures behind the line, such as the share of a core the server used. */
  details: z.record(z.string(), summarySchema).readonly(),
}).readonly();
export type Line = z.infer<typeof lineSchema>;

/** Units of which more is better. */
const MORE_IS_BETTER: readonly string[] = ["a second", "1/s", "members", "deliveries", "s"];

/** What a case measured, round by round, before it is summarised. */
export interface Measured {
  readonly case: string;
  readonly deno: string;
  readonly figure: string;
  readonly unit: string;
  readonly ours: readonly number[];
  readonly peerName: string;
  readonly peer: readonly number[];
  readonly target?: number;
  readonly atLeast?: number;
  /** Every round has to meet the target, not the median alone. */
  readonly everyRound?: boolean;
  readonly details?: Readonly<Record<string, readonly number[]>>;
}

/** Summarises one figure and judges it by its target. */
export function toLine(measured: Measured): Line {
  const { target, atLeast, everyRound = false } = measured;
  const ratio = summarize(pairedRatios(measured.ours, measured.peer));
  const met = target !== undefined
    ? (everyRound ? ratio.max : ratio.median) <= target
    : atLeast !== undefined
    ? (everyRound ? ratio.min : ratio.median) >= atLeast
    : undefined;
  return {
    case: measured.case,
    deno: measured.deno,
    figure: measured.figure,
    unit: measured.unit,
    betterIs: atLeast !== undefined || MORE_IS_BETTER.includes(measured.unit) ? "more" : "less",
    ours: summarize(measured.ours),
    peerName: measured.peerName,
    peer: summarize(measured.peer),
    ratio,
    ...(target !== undefined ? { target } : {}),
    ...(atLeast !== undefined ? { atLeast } : {}),
    judgedBy: everyRound ? "every round" : "median",
    ...(met !== undefined ? { met } : {}),
    details: Object.fromEntries(
      Object.entries(measured.details ?? {}).map(([name, samples]) => [name, summarize(samples)]),
    ),
  };
}

/** The lines as a table for people, in Markdown. */
export function formatTable(lines: readonly Line[]): string {
  const head = ["case", "Deno", "figure", "ours", "peer", "peer is", "ratio", "target", ""];
  return alignTable(
    head,
    lines.map((line) => [
      line.case,
      line.deno,
      `${line.figure}, ${line.unit}`,
      withSpread(line.ours, digitsOf(line.ours)),
      withSpread(line.peer, digitsOf(line.peer)),
      line.peerName,
      withSpread(line.ratio, 2),
      describeTarget(line),
      line.met === undefined ? "" : line.met ? "met" : "MISSED",
    ]),
  );
}

/** Such as `≤ 1.10`; empty for a line that only informs. */
export function describeTarget({ target, atLeast }: Line): string {
  if (target !== undefined) return `≤ ${target.toFixed(2)}`;
  return atLeast !== undefined ? `≥ ${atLeast.toFixed(2)}` : "";
}

/** A table in Markdown whose columns stand below each other as plain text, too. */
export function alignTable(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...body.map((row) => row[column]?.length ?? 0))
  );
  const rowOf = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  return [rowOf(head), rowOf(widths.map((width) => "-".repeat(width))), ...body.map(rowOf)].join("\n");
}

/** How many digits after the point say enough: none for counts, more for a small figure. */
export function digitsOf({ median, samples }: Summary): number {
  if (samples.every(Number.isInteger)) return 0;
  return median < 1 ? 3 : median < 10 ? 2 : 1;
}

function withSpread({ median, min, max }: Summary, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
