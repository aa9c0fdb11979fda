/**
 * `deno task bench:compare A.json B.json`: the ratios of two runs of `deno task bench --json`, side
 * by side with their spread. See docs/bench.md.
 * @module
 */
import { type Line, lineKey } from "./report/line.ts";
import { readResults, type Results } from "./report/results.ts";
import { type Spread, spreadText } from "./report/spread.ts";
import { alignTable } from "./report/table.ts";

/** Formats the figures that both runs have, and lists those that only one has. */
export function compareResults(before: Results, after: Results): string {
  const earlier = new Map(before.lines.map((line) => [lineKey(line), line]));
  const later = new Map(after.lines.map((line) => [lineKey(line), line]));
  const rows = [...earlier].flatMap(([key, line]) => {
    const other = later.get(key);
    return other ? [[key, ...changeOf(line, other)]] : [];
  });
  const head = ["figure", "ours A", "ours B", "B ÷ A", "ratio A", "ratio B", "B ÷ A", "spreads"];
  const only = (name: string, lines: Map<string, Line>, others: Map<string, Line>): string[] =>
    [...lines.keys()].filter((key) => !others.has(key)).map((key) => `Only in ${name}: ${key}`);
  return [alignTable(head, rows), "", ...only("A", earlier, later), ...only("B", later, earlier)].join("\n")
    .trimEnd();
}

function changeOf(before: Line, after: Line): string[] {
  return [
    spreadText(before.ours),
    spreadText(after.ours),
    (after.ours.median / before.ours.median).toFixed(2),
    spreadText(before.ratio, 2),
    spreadText(after.ratio, 2),
    (after.ratio.median / before.ratio.median).toFixed(2),
    overlaps(before.ratio, after.ratio) ? "overlap" : "apart",
  ];
}

function overlaps(one: Spread, other: Spread): boolean {
  return one.min <= other.max && other.min <= one.max;
}

if (import.meta.main) {
  const [fileA, fileB, ...more] = Deno.args;
  if (fileA === undefined || fileB === undefined || more.length > 0) {
    console.error("deno task bench:compare A.json B.json");
    Deno.exit(2);
  }
  const [before, after] = [readResults(fileA), readResults(fileB)];
  for (const [name, { commit, measured, machine, rounds }] of [["A", before], ["B", after]] as const) {
    console.log(`${name}: commit ${commit}, ${measured}, ${rounds} rounds, ${machine}`);
  }
  console.log(`\n${compareResults(before, after)}`);
}
