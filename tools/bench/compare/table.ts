import { alignTable, digitsOf } from "../report.ts";
import { lineKey } from "../report_file.ts";
import type { Summary } from "../statistics.ts";
import { type ComparedFigure, type Comparison, isTime } from "./comparison.ts";

/** Formats a comparison: a Markdown table, then its limits. */
export function describeComparison(comparison: Comparison): string {
  const { figures, onlyBefore, onlyAfter } = comparison;
  const parts = [
    ...(figures.length > 0
      ? [alignTable(HEAD, figures.map(rowOf))]
      : ["The two runs have no figure in common."]),
    ...remarksOf(comparison),
    ...onlyOne("A", onlyBefore),
    ...onlyOne("B", onlyAfter),
  ];
  return parts.join("\n\n");
}

const HEAD = [
  "case",
  "Deno",
  "figure",
  "beside",
  "A",
  "B",
  "A, ratio",
  "B, ratio",
  "change (95 %)",
  "verdict",
];

function rowOf(figure: ComparedFigure): string[] {
  const { before, after, basis, compared } = figure;
  const ratio = (values: Summary): string => basis === "ratio" ? values.median.toFixed(3) : "";
  return [
    before.case,
    before.deno,
    `${before.figure}, ${before.unit}`,
    before.peerName,
    before.ours.median.toFixed(digitsOf(before.ours)),
    after.ours.median.toFixed(digitsOf(after.ours)),
    ratio(compared.before),
    ratio(compared.after),
    changeOf(figure),
    verdictOf(figure),
  ];
}

/** Formats a change, such as `+4.1 % (-1.0 to +9.3)`. */
function changeOf({ change }: ComparedFigure): string {
  if (!change) return "";
  const percent = (factor: number): string => {
    const value = (factor - 1) * 100;
    return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
  };
  const interval = change.interval?.map(percent).join(" to ") ?? "too few rounds to say";
  return `${percent(change.factor)} % (${interval})`;
}

/** Formats a verdict; memory and counts are worse, not slower. */
function verdictOf({ before, verdict, isTooFew }: ComparedFigure): string {
  if (isTooFew) return `${verdict}: too few rounds`;
  if (verdict === "no difference shown" || isTime(before)) return verdict;
  return verdict === "slower" ? "worse" : "better";
}

function remarksOf({ figures, roundsForOne, canShowOne }: Comparison): string[] {
  if (figures.length === 0) return [];
  const shown = figures.filter(({ verdict }) => verdict !== "no difference shown").length;
  const summary = `${shown} of ${figures.length} figures differ by more than noise explains.`;
  if (figures.every(({ isTooFew }) => isTooFew)) {
    return [
      `${summary} With so few rounds nothing can be shown, however large the difference: with three rounds a side, one in ten ` +
      `comparisons of the same thing has all of one side above all of the other. It takes ${roundsForOne} rounds for ${
        count(figures.length)
      }.`,
    ];
  }
  if (canShowOne) return [summary];
  return [
    `${summary} With so few rounds a single difference among ${
      count(figures.length)
    } cannot be told from chance: it takes ${roundsForOne} rounds a side, or fewer figures (--only).`,
  ];
}

function count(figures: number): string {
  return figures === 1 ? "one figure" : `${figures} figures`;
}

function onlyOne(name: "A" | "B", lines: Comparison["onlyBefore"]): string[] {
  if (lines.length === 0) return [];
  return [[`Only in ${name}:`, ...lines.map((line) => `- ${lineKey(line)}`)].join("\n")];
}
