import type { Limit, LoadLine } from "./cases/load_usage.ts";

const LIMITS: readonly (readonly [Limit, string])[] = [
  ["load generator", "load generator was the limit"],
  [
    "processors",
    "processors were the limit: other processes used the cores of the server and the load generator",
  ],
];

/**
 * Formats the load generator's usage: every kind of work that it limited, or else the busiest one.
 */
export function describeLoad(lines: readonly LoadLine[]): string {
  if (lines.length === 0) return "No case measured anything with the load generator.";
  const found = LIMITS.flatMap(([limit, words]) => {
    const limited = lines.filter((line) => line.limit === limit);
    if (limited.length === 0) return [];
    return [`${words}, in ${limited.length} of ${lines.length} kinds of work:`, ...limited.map(describeLine)];
  });
  if (found.length > 0) return found.join("\n");
  const [busiest] = lines.toSorted((one, other) => other.busy.median - one.busy.median);
  return [
    "The load generator was never the limit. It was busiest with",
    ...busiest ? [describeLine(busiest)] : [],
  ]
    .join("\n");
}

function describeLine({ case: name, deno, work, busy, cores, serverCores }: LoadLine): string {
  return `- ${name}, Deno ${deno}, ${work}: busy ${(busy.median * 100).toFixed()} % of the time on ` +
    `${cores.median.toFixed(2)} cores, the server on ${serverCores.median.toFixed(2)}`;
}
