/** A written report is read back, and an invalid one is refused with the name of its field. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { parseRunReport, readRunReport, writeRunReport } from "../../tools/bench/report_file.ts";
import { SeededRandom } from "../../tools/support/seeded_random.ts";
import { drawRun, EMPTY_RUN } from "./runs.ts";

const COMPARE = new URL("../../tools/bench/compare.ts", import.meta.url).pathname;
const RUN = drawRun(new SeededRandom(3), { figures: 2, rounds: 4 });

/** The run as JSON, with one value replaced. */
function damaged(path: readonly (string | number)[], value: unknown): string {
  const run: unknown = JSON.parse(JSON.stringify(RUN));
  let place = run as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) place = place[step] as typeof place;
  place[path.at(-1) ?? ""] = value;
  return JSON.stringify(run);
}

async function withFiles<T>(
  texts: readonly string[],
  use: (...files: readonly string[]) => Promise<T>,
): Promise<T> {
  const directory = await Deno.makeTempDir();
  try {
    const files = texts.map((_, index) => `${directory}/${"AB"[index]}.json`);
    await Promise.all(files.map((file, index) => Deno.writeTextFile(file, texts[index] ?? "")));
    return await use(...files);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function runCompare(args: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--frozen", COMPARE, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

Deno.test("a run that was written is read as it was", () =>
  withFiles([""], async (file = "") => {
    await writeRunReport(file, RUN);
    assertEquals(await readRunReport(file), RUN);
  }));

Deno.test("what is wrong in a file is named with the file", async () => {
  const cases: readonly [text: string, message: string][] = [
    ["{", "a.json is not JSON"],
    ["[]", "a.json: the whole: "],
    ["{}", "a.json: format: "],
    [damaged(["format"], 2), "a.json: format: "],
    [damaged(["lines", 1, "ours", "samples", 2], null), "a.json: lines[1].ours.samples[2]: "],
    [damaged(["lines", 0, "betterIs"], "big"), "a.json: lines[0].betterIs: "],
    [damaged(["lines", 1, "figure"], "figure 0"), "a.json: lines[1]: the figure echo, Deno 2.1.4, figure 0"],
    [damaged(["lines", 0, "peer", "samples"], [1]), "a.json: lines[0].peer.samples: not as many as ours"],
    [damaged(["machine", "cores"], undefined), "a.json: machine.cores: "],
  ];
  for (const [text, message] of cases) assertThrows(() => parseRunReport(text, "a.json"), Error, message);
  await assertRejects(() => readRunReport("/nowhere/a.json"), Error, "/nowhere/a.json cannot be read");
});

Deno.test("the exit status is 0 whatever is found, 1 with --fail-on-slower, 2 for what is no run", async () => {
  const random = new SeededRandom(5);
  const before = drawRun(random, { figures: 1, rounds: 6 });
  const after = drawRun(random, { figures: 1, rounds: 6, slowdown: () => 3 });
  await withFiles([JSON.stringify(before), JSON.stringify(after)], async (a = "", b = "") => {
    const { code, out } = await runCompare([a, b]);
    assertEquals([code, out.includes("| slower ")], [0, true], out);
    assertEquals((await runCompare([a, b, "--fail-on-slower"])).code, 1);
    assertEquals((await runCompare([b, a, "--fail-on-slower"])).code, 0);
    assertEquals((await runCompare([a])).code, 2);
    assertEquals((await runCompare([a, b, "--only", "boot"])).code, 2);
  });
  await withFiles([JSON.stringify(EMPTY_RUN), damaged(["rounds"], "seven")], async (a = "", b = "") => {
    const { code, error } = await runCompare([a, b]);
    assertEquals([code, error.includes("B.json: rounds: ")], [2, true], error);
  });
});
