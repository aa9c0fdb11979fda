/**
 * Draws a run of `deno task bench --json` without measuring: `deno run -A --frozen
 * tools/bench/picture.ts out.json docs/performance.svg`. See docs/bench.md.
 * @module
 */
import { parseArgs } from "node:util";
import { drawPicture } from "./picture/draw_picture.ts";
import { readRunReport } from "./report_file.ts";

const USAGE = `deno run -A --frozen tools/bench/picture.ts RUN.json PICTURE.svg [options]
  --only echo,fanout   draw these cases only
  --deno 2.1.4         draw these Deno versions only`;

async function draw(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    options: { only: { type: "string" }, deno: { type: "string" } },
    allowPositionals: true,
  });
  const [from, to, ...more] = positionals;
  if (from === undefined || to === undefined || more.length > 0) {
    throw new Error(`Expected two files, RUN.json and PICTURE.svg, not ${positionals.length}.`);
  }
  const run = await readRunReport(from);
  const [cases, versions] = [values.only?.split(","), values.deno?.split(",")];
  const lines = run.lines.filter((line) =>
    (cases?.includes(line.case) ?? true) && (versions?.includes(line.deno) ?? true)
  );
  await Deno.writeTextFile(to, drawPicture({ ...run, lines }));
}

try {
  await draw(Deno.args);
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
  Deno.exit(2);
}
