import { markdownTable } from "../../support/markdown_table.ts";
import { type Line, targetText } from "./line.ts";
import { readResults, type Results } from "./results.ts";
import { spreadText } from "./spread.ts";

const RESULTS = new URL("../results", import.meta.url).pathname;
const DENO_VERSIONS = ["2.1.4", "2.9.6"] as const;
/** Peers of the second table of docs/performance.md, by the beginning of their names. */
const PEERS = ["raw Deno", "Hono", "Bun", "Socket.IO"] as const;
/** Cases that measure one isolate as a whole. */
const ISOLATE_CASES = ["cursors", "hosted"];

/** Line with its case. */
type CaseLine = Line & { readonly case: string };

/** Tables of docs/performance.md: figures that have a target, and those beside other servers. */
export function performanceTables(directory: string = RESULTS): string {
  const lines = linesOf(readResults(directory));
  return `${targetTable(lines)}\n\n${peerTable(lines)}`;
}

/** Table of docs/performance.md about one isolate on the hosted platform. */
export function hostedTable(directory: string = RESULTS): string {
  const lines = linesOf(readResults(directory)).filter((line) => ISOLATE_CASES.includes(line.case));
  return markdownTable(
    ["one isolate", "unit", "`realtime.v1`", "beside", "of it"],
    lines.map((
      line,
    ) => [line.figure, line.unit, spreadText(line.ours), spreadText(line.peer), line.peerName]),
  );
}

/** Table of a run. */
export function runTable(results: readonly Results[]): string {
  return markdownTable(
    ["case", "Deno", "figure", "ours", "peer", "peer is", "ratio", "target", ""],
    linesOf(results).map((line) => [
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

/** Ratios of two runs with their change, for the figures that both have. */
export function comparisonTable(before: readonly Results[], after: readonly Results[]): string {
  const keyOf = (line: CaseLine) =>
    `${line.case}, Deno ${line.deno}, ${line.figure}, beside ${line.peerName}`;
  const later = new Map(linesOf(after).map((line) => [keyOf(line), line]));
  return markdownTable(
    ["figure", "ours A", "ours B", "B ÷ A", "ratio A", "ratio B", "B ÷ A", "spreads"],
    linesOf(before).flatMap((a) => {
      const b = later.get(keyOf(a));
      if (!b) return [];
      const overlap = a.ratio.min <= b.ratio.max && b.ratio.min <= a.ratio.max;
      return [[
        keyOf(a),
        spreadText(a.ours),
        spreadText(b.ours),
        (b.ours.median / a.ours.median).toFixed(2),
        spreadText(a.ratio, 2),
        spreadText(b.ratio, 2),
        (b.ratio.median / a.ratio.median).toFixed(2),
        overlap ? "overlap" : "apart",
      ]];
    }),
  );
}

function linesOf(results: readonly Results[]): CaseLine[] {
  return results.flatMap(({ case: name, lines }) => lines.map((line) => ({ ...line, case: name })));
}

function verdictText({ met, isLoadLimited }: Line): string {
  const verdict = met === undefined ? "" : met ? "met" : "MISSED";
  return isLoadLimited ? `${verdict} (the load generator was the limit)`.trim() : verdict;
}

function targetTable(lines: readonly CaseLine[]): string {
  const rows = Map.groupBy(
    lines.filter((line) => targetText(line) !== ""),
    (line) => `${line.case}: ${line.figure} | ${line.peerName}`,
  );
  return markdownTable(
    ["figure", "peer", ...DENO_VERSIONS.map((version) => `Deno ${version}`), "target"],
    [...rows].map(([name, versions]) => [
      name,
      ...DENO_VERSIONS.map((version) => ratioText(versions.find(({ deno }) => deno === version))),
      versions[0] ? targetText(versions[0]) : "",
    ]),
  );
}

function peerTable(lines: readonly CaseLine[]): string {
  const rows = Map.groupBy(lines, ({ case: name, figure, deno }) => `${name}: ${figure} | ${deno}`);
  const peerOf = (of: readonly Line[], peer: string) => of.find(({ peerName }) => peerName.startsWith(peer));
  return markdownTable(
    ["figure", "Deno", ...PEERS],
    [...rows].sort().filter(([, of]) => peerOf(of, "Hono")).map(([name, of]) => [
      name,
      ...PEERS.map((peer) => peerOf(of, peer)?.ratio.median.toFixed(2) ?? ""),
    ]),
  );
}

/** Median of the ratios with their spread; bold if the target is missed. */
function ratioText(line: Line | undefined): string {
  if (!line) return "";
  const text = spreadText(line.ratio, 2);
  return line.met === false ? text.replace(/^\S+/, "**$&**") : text;
}
