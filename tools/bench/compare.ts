/**
 * `deno task bench:compare A.json B.json`: lists the figures of two runs of `deno task bench
 * --json` that differ by more than noise explains. See docs/bench.md.
 * @module
 */
import { parseArgs } from "node:util";
import { compareLines } from "./compare/comparison.ts";
import { describeComparison } from "./compare/table.ts";
import { describeOrigin, warnOf } from "./compare/warnings.ts";
import { readRunReport, type RunReport } from "./report_file.ts";

const USAGE = `deno task bench:compare A.json B.json [options]
  --only echo,boot     compare these cases only; fewer figures need fewer rounds
  --fail-on-slower     exit status 1 if B is slower, or worse, in any figure
Exit status: 0 for any result, 2 for wrong arguments or a file that is no run of the bench.`;

async function compare(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      "fail-on-slower": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [fileA, fileB, ...more] = positionals;
  if (fileA === undefined || fileB === undefined || more.length > 0) {
    throw new Error(`Expected two files, A.json and B.json, not ${positionals.length}.`);
  }
  const [before, after] = [await readRunReport(fileA), await readRunReport(fileB)];
  const wanted = values.only?.split(",");
  for (const name of wanted ?? []) {
    if (![...before.lines, ...after.lines].some((line) => line.case === name)) {
      throw new Error(`--only ${name}: neither run has this case.`);
    }
  }
  const linesOf = ({ lines }: RunReport) => lines.filter((line) => wanted?.includes(line.case) ?? true);
  const comparison = compareLines(linesOf(before), linesOf(after));
  console.log(describeRun("A", fileA, before) + "\n" + describeRun("B", fileB, after) + "\n");
  for (const warning of warnOf(before, after)) console.log(`Warning: ${warning}.`);
  console.log(`\n${describeComparison(comparison)}`);
  return values["fail-on-slower"] && comparison.figures.some(({ verdict }) => verdict === "slower") ? 1 : 0;
}

function describeRun(name: string, file: string, { measured, startedAt, rounds }: RunReport): string {
  return `${name}: ${file}, ${describeOrigin(measured)}, ${startedAt}, ${rounds} rounds`;
}

try {
  Deno.exit(await compare(Deno.args));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
  Deno.exit(2);
}
