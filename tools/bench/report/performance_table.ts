import { type Line, lineKey, targetText } from "./line.ts";
import { readResults } from "./results.ts";

const RESULTS = new URL("../results/", import.meta.url);
const DENO_VERSIONS = ["2.1.4", "2.9.6"] as const;
/** Peers of the second table, by the beginning of their names. */
const PEERS = ["raw Deno", "Hono", "Bun", "Socket.IO"] as const;

/**
 * Tables of docs/performance.md: the figures that have a target, and those beside other servers.
 * The newest file that has a figure counts.
 */
export function performanceTables(directory: URL = RESULTS): string {
  const newest = new Map<string, Line>();
  for (const file of resultFiles(directory)) {
    for (const line of readResults(file).lines) newest.set(lineKey(line), line);
  }
  const lines = [...newest.values()];
  return `${targetTable(lines)}\n\n${peerTable(lines)}`;
}

function targetTable(lines: readonly Line[]): string {
  const rows = Map.groupBy(
    lines.filter((line) => targetText(line) !== ""),
    (line) => `${line.case}: ${line.figure} | ${line.peerName}`,
  );
  return table(
    ["figure", "peer", ...DENO_VERSIONS.map((version) => `Deno ${version}`), "target"],
    [...rows].map(([name, versions]) => [
      name,
      ...DENO_VERSIONS.map((version) => ratioText(versions.find(({ deno }) => deno === version))),
      versions[0] ? targetText(versions[0]) : "",
    ]),
  );
}

function peerTable(lines: readonly Line[]): string {
  const rows = [...Map.groupBy(lines, ({ case: name, figure, deno }) => `${name}: ${figure} | ${deno}`)]
    .sort();
  const peerOf = (of: readonly Line[], peer: string) => of.find(({ peerName }) => peerName.startsWith(peer));
  return table(
    ["figure", "Deno", ...PEERS],
    rows.filter(([, of]) => peerOf(of, "Hono")).map(([name, of]) => [
      name,
      ...PEERS.map((peer) => peerOf(of, peer)?.ratio.median.toFixed(2) ?? ""),
    ]),
  );
}

/** Files of results, the oldest first: their names begin with the date. */
function resultFiles(directory: URL): string[] {
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
  return names.filter((name) => name.endsWith(".json")).sort()
    .map((name) => new URL(name, directory).pathname);
}

/** Median of the ratios with their spread; bold if the target is missed. */
function ratioText(line: Line | undefined): string {
  if (!line) return "";
  const [median, min, max] = [line.ratio.median, line.ratio.min, line.ratio.max].map((ratio) =>
    ratio.toFixed(2)
  );
  return `${line.met === false ? `**${median}**` : median} (${min}–${max})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
