import { pairedRatios, summarize, type Summary } from "./statistics.ts";

/** One measured figure beside its peer's, and what is asked of their ratio. */
export interface Line {
  readonly case: string;
  readonly deno: string;
  readonly figure: string;
  readonly unit: string;
  readonly ours: Summary;
  readonly peerName: string;
  readonly peer: Summary;
  /** Ours divided by the peer's, round by round. */
  readonly ratio: Summary;
  /** The largest median ratio allowed; undefined where more is better, and for a line that only informs. */
  readonly target: number | undefined;
  /** The smallest median ratio allowed, where more is better. */
  readonly atLeast: number | undefined;
  readonly met: boolean | undefined;
  /** Figures behind the line, such as the share of a core the server used. */
  readonly details: Readonly<Record<string, Summary>>;
}

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
  readonly details?: Readonly<Record<string, readonly number[]>>;
}

/** Summarises one figure; its target is judged by the median of the rounds' ratios. */
export function toLine(measured: Measured): Line {
  const ratio = summarize(pairedRatios(measured.ours, measured.peer));
  const { target, atLeast } = measured;
  return {
    case: measured.case,
    deno: measured.deno,
    figure: measured.figure,
    unit: measured.unit,
    ours: summarize(measured.ours),
    peerName: measured.peerName,
    peer: summarize(measured.peer),
    ratio,
    target,
    atLeast,
    met: target !== undefined
      ? ratio.median <= target
      : atLeast !== undefined
      ? ratio.median >= atLeast
      : undefined,
    details: Object.fromEntries(
      Object.entries(measured.details ?? {}).map(([name, samples]) => [name, summarize(samples)]),
    ),
  };
}

/** The lines as a table for people, in Markdown. */
export function formatTable(lines: readonly Line[]): string {
  const rows = [
    ["case", "Deno", "figure", "ours", "peer", "peer is", "ratio", "target", ""],
    ...lines.map((line) => [
      line.case,
      line.deno,
      `${line.figure}, ${line.unit}`,
      withSpread(line.ours, digitsOf(line.ours)),
      withSpread(line.peer, digitsOf(line.peer)),
      line.peerName,
      withSpread(line.ratio, 2),
      line.target !== undefined
        ? `≤ ${line.target.toFixed(2)}`
        : line.atLeast !== undefined
        ? `≥ ${line.atLeast.toFixed(2)}`
        : "",
      line.met === undefined ? "" : line.met ? "met" : "MISSED",
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const [head = "", ...body] = rows.map((row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  );
  return [head, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...body].join("\n");
}

/** One digit after the point, more for a small figure. */
function digitsOf({ median }: Summary): number {
  return median < 1 ? 3 : median < 10 ? 2 : 1;
}

function withSpread({ median, min, max }: Summary, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
