/**
 * Draws a run of `deno task bench --json` again, without measuring: `deno run -A --frozen bench/picture.ts out.json
 * docs/performance.svg`. See docs/bench.md.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { drawPicture } from "./picture/draw_picture.ts";
import { readRunReport } from "./report_file.ts";

const USAGE = `deno run -A --frozen bench/picture.ts RUN.json PICTURE.svg [options]
  --only echo,fanout   draws these cases alone
  --deno 2.1.4         draws these Deno versions alone`;

async function draw(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    options: { only: { type: "string" }, deno: { type: "string" } },
    allowPositionals: true,
  });
  const [from, to, ...more] = positionals;
  if (from === undefined || to === undefined || more.length > 0) {
    throw new Error("A run and a picture are named.");
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
