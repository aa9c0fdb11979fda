import { z } from "zod";
import { pairedRatios, summarize, type Summary } from "./statistics.ts";

const summarySchema = z.object({
  median: z.number(),
  min: z.number(),
  max: z.number(),
  samples: z.array(z.number()).min(1).readonly(),
}).readonly();

/** Measured figure beside its peer's, with the target of their ratio, as the JSON has it. */
export const lineSchema = z.object({
  case: z.string(),
  deno: z.string(),
  figure: z.string(),
  unit: z.string(),
  betterIs: z.enum(["less", "more"]),
  ours: summarySchema,
  peerName: z.string(),
  peer: summarySchema,
  /** Ours divided by the peer's, per round. */
  ratio: summarySchema,
  /** Largest allowed ratio; undefined if more is better, and for an informational line. */
  target: z.number().optional(),
  /** Smallest allowed ratio, if more is better. */
  atLeast: z.number().optional(),
  /** Value that is compared with the target: the median of the rounds' ratios, or each ratio. */
  judgedBy: z.enum(["median", "every round"]),
  met: z.boolean().optional(),
  /** Additional figures, such as the share of a core that the server used. */
  details: z.record(z.string(), summarySchema).readonly(),
}).readonly();
export type Line = z.infer<typeof lineSchema>;

/** Units for which more is better. */
const MORE_IS_BETTER: readonly string[] = ["a second", "1/s", "members", "deliveries", "s"];

/** Samples of a case per round, before the summary. */
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
  /** True if every round has to meet the target, not only the median. */
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

/** Formats lines as a Markdown table. */
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

/** Formats a target, such as `≤ 1.10`; empty for an informational line. */
export function describeTarget({ target, atLeast }: Line): string {
  if (target !== undefined) return `≤ ${target.toFixed(2)}`;
  return atLeast !== undefined ? `≥ ${atLeast.toFixed(2)}` : "";
}

/** Formats a Markdown table with aligned columns. */
export function alignTable(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...body.map((row) => row[column]?.length ?? 0))
  );
  const rowOf = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  return [rowOf(head), rowOf(widths.map((width) => "-".repeat(width))), ...body.map(rowOf)].join("\n");
}

/** Number of fraction digits: none for counts, more for small figures. */
export function digitsOf({ median, samples }: Summary): number {
  if (samples.every(Number.isInteger)) return 0;
  return median < 1 ? 3 : median < 10 ? 2 : 1;
}

function withSpread({ median, min, max }: Summary, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
