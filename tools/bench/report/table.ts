import { type Line, targetText } from "./line.ts";
import { spreadText } from "./spread.ts";
import { wasLoadTheLimit } from "./usage.ts";

/** Formats lines as a Markdown table. */
export function formatTable(lines: readonly Line[]): string {
  const head = ["case", "Deno", "figure", "ours", "peer", "peer is", "ratio", "target", ""];
  return alignTable(
    head,
    lines.map((line) => [
      line.case,
      line.deno,
      `${line.figure}, ${line.unit}`,
      spreadText(line.ours),
      spreadText(line.peer),
      line.peerName,
      spreadText(line.ratio, 2),
      targetText(line),
      verdictText(line),
    ]),
  );
}

function verdictText(line: Line): string {
  const verdict = line.met === undefined ? "" : line.met ? "met" : "MISSED";
  return wasLoadTheLimit(line) ? `${verdict} (the load generator was the limit)`.trim() : verdict;
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
