/** `deno task bench:compare` distinguishes a difference from noise. */
import { assert, assertEquals, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { compareLines } from "../../tools/bench/compare/comparison.ts";
import { describeComparison } from "../../tools/bench/compare/table.ts";
import { warnOf } from "../../tools/bench/compare/warnings.ts";
import { type Line, type Measured, toLine } from "../../tools/bench/report.ts";
import { SeededRandom } from "../../tools/support/seeded_random.ts";
import { drawRun, EMPTY_RUN } from "./runs.ts";

const Seed = fc.nat({ max: 2 ** 31 });

const MEASURED: Measured = {
  case: "echo",
  deno: "2.1.4",
  figure: "a message",
  unit: "µs",
  ours: [10, 11, 12, 13, 14, 15, 16],
  peerName: "raw Deno",
  peer: [9, 10, 11, 12, 13, 14, 15],
};

function verdictsOf(before: readonly Line[], after: readonly Line[]): string[] {
  return compareLines(before, after).figures.map(({ verdict }) => verdict);
}

Deno.test("of runs of the same thing, one in twenty at most has any difference", () => {
  const RUNS = 600;
  const seed = Number(Deno.env.get("BENCH_SEED") ?? 7);
  const random = new SeededRandom(seed);
  let alarms = 0;
  for (let run = 0; run < RUNS; run++) {
    const [before, after] = [1, 1.3].map((machineSlowdown) =>
      drawRun(random, { figures: 6, rounds: 7, machineSlowdown })
    );
    const verdicts = verdictsOf(before?.lines ?? [], after?.lines ?? []);
    if (verdicts.some((verdict) => verdict !== "no difference shown")) alarms++;
  }
  // 5 % of 600 is 30; a fair coin of that kind is above 46 once in a thousand seeds.
  assertLessOrEqual(alarms, 46, `seed ${seed} (BENCH_SEED): ${alarms} of ${RUNS}`);
});

Deno.test("a planted difference is found, and of what is named no more than one in twenty is noise", () => {
  const RUNS = 200;
  const PLANTED = 3;
  const seed = Number(Deno.env.get("BENCH_SEED") ?? 7);
  const random = new SeededRandom(seed);
  let found = 0;
  let falseShares = 0;
  for (let run = 0; run < RUNS; run++) {
    const isSlower = run % 2 === 0;
    const slowdown = (figure: number): number => figure === PLANTED ? isSlower ? 1.5 : 1 / 1.5 : 1;
    const before = drawRun(random, { figures: 20, rounds: 10 });
    const after = drawRun(random, { figures: 20, rounds: 10, slowdown, machineSlowdown: 2 });
    const verdicts = verdictsOf(before.lines, after.lines);
    if (verdicts[PLANTED] === (isSlower ? "slower" : "faster")) found++;
    const named = verdicts.filter((verdict) => verdict !== "no difference shown").length;
    const noise = named - (verdicts[PLANTED] === "no difference shown" ? 0 : 1);
    falseShares += noise / Math.max(1, named);
  }
  const evidence = `seed ${seed} (BENCH_SEED): found ${found} of ${RUNS}, noise ${falseShares / RUNS}`;
  assert(found >= 0.8 * RUNS, evidence);
  // Of 200 runs the mean is above that once in a thousand seeds.
  assertLessOrEqual(falseShares / RUNS, 0.1, evidence);
});

Deno.test("a machine that is slower for ours and the peer alike changes nothing", () => {
  fc.assert(
    fc.property(Seed, fc.integer({ min: 2, max: 64 }), (seed, machineSlowdown) => {
      const shape = { figures: 5, rounds: 8, slowdown: (figure: number) => 1 + figure / 5 };
      const before = drawRun(new SeededRandom(seed + 1), { figures: 5, rounds: 8 });
      const quiet = drawRun(new SeededRandom(seed), shape);
      const slow = drawRun(new SeededRandom(seed), { ...shape, machineSlowdown });
      assertEquals(verdictsOf(before.lines, slow.lines), verdictsOf(before.lines, quiet.lines));
    }),
    { numRuns: 40 },
  );
});

Deno.test("the other way round, slower is faster", () => {
  const turned: Record<string, string> = { slower: "faster", faster: "slower" };
  fc.assert(
    fc.property(Seed, (seed) => {
      const random = new SeededRandom(seed);
      const before = drawRun(random, { figures: 4, rounds: 7 });
      const after = drawRun(random, { figures: 4, rounds: 7, slowdown: (figure) => 0.6 + figure / 4 });
      const there = verdictsOf(before.lines, after.lines);
      assertEquals(verdictsOf(after.lines, before.lines), there.map((verdict) => turned[verdict] ?? verdict));
    }),
    { numRuns: 60 },
  );
});

Deno.test("with three rounds nothing is shown, however large the difference, and that is said", () => {
  const random = new SeededRandom(1);
  const before = drawRun(random, { figures: 1, rounds: 3 });
  const after = drawRun(random, { figures: 1, rounds: 3, slowdown: () => 100 });
  const comparison = compareLines(before.lines, after.lines);
  assertEquals(comparison.figures.map(({ verdict }) => verdict), ["no difference shown"]);
  const text = describeComparison(comparison);
  assertStringIncludes(text, "no difference shown: too few rounds");
  assertStringIncludes(text, "It takes 4 rounds for one figure.");
});

Deno.test("rounds that are enough for one figure and too few for many are said to be", () => {
  const random = new SeededRandom(1);
  const [before, after] = [1, 2].map(() => drawRun(random, { figures: 50, rounds: 5 }));
  const text = describeComparison(compareLines(before?.lines ?? [], after?.lines ?? []));
  assertStringIncludes(
    text,
    "a single difference among 50 figures cannot be told from chance: it takes 7 rounds",
  );
});

Deno.test("where more is better, more is faster", () => {
  const before = toLine({ ...MEASURED, unit: "a second" });
  const after = toLine({ ...MEASURED, unit: "a second", ours: MEASURED.ours.map((value) => value * 9) });
  assertEquals(verdictsOf([before], [after]), ["faster"]);
  assertEquals(verdictsOf([after], [before]), ["slower"]);
});

Deno.test("where the peer is a bound or the figure itself, the figure alone is compared", () => {
  const bound = { ...MEASURED, unit: "MB", peer: MEASURED.ours.map(() => 256) };
  const itself = { ...MEASURED, figure: "one process", peer: MEASURED.ours };
  const ours = MEASURED.ours.map((value) => value * 9);
  const { figures } = compareLines(
    [toLine(bound), toLine(itself)],
    [toLine({ ...bound, ours }), toLine({ ...itself, ours, peer: ours })],
  );
  assertEquals(figures.map(({ basis, verdict }) => [basis, verdict]), [["value", "slower"], [
    "value",
    "slower",
  ]]);
  // Memory is not slow.
  assertStringIncludes(
    describeComparison({ ...compareLines([], []), figures: figures.slice(0, 1) }),
    "worse",
  );
});

Deno.test("a figure is compared once, beside the peer of its target; what one run alone has is listed", () => {
  const bun = toLine({ ...MEASURED, peerName: "Bun 1.4.5" });
  const raw = toLine({ ...MEASURED, target: 1.1 });
  const newBun = toLine({ ...MEASURED, peerName: "Bun 1.5.0" });
  const comparison = compareLines([bun, raw], [newBun, raw]);
  assertEquals(comparison.figures.map(({ before }) => before.peerName), ["raw Deno"]);
  assertEquals(compareLines([bun, raw], [bun, raw]).figures.map(({ before }) => before.peerName), [
    "raw Deno",
  ]);
  const text = describeComparison(comparison);
  assertStringIncludes(text, "Only in A:\n- echo, Deno 2.1.4, a message, beside Bun 1.4.5");
  assertStringIncludes(text, "Only in B:\n- echo, Deno 2.1.4, a message, beside Bun 1.5.0");
});

Deno.test("runs of different machines or versions, of changed files and on a busy machine are warned of", () => {
  assertEquals(warnOf(EMPTY_RUN, EMPTY_RUN), []);
  const other = {
    ...EMPTY_RUN,
    machine: { ...EMPTY_RUN.machine, processor: "another", driver: "Deno 3.0.0" },
    denoVersions: ["2.9.6", "2.1.4"],
    measured: { ...EMPTY_RUN.measured, isDirty: true },
    loadBefore: [4.2, 1, 1],
  };
  const warnings = warnOf(EMPTY_RUN, other).join("\n");
  for (
    const part of [
      "the processor differs: a processor in A, another in B",
      "the Deno that runs the bench differs",
      "the measured Deno versions differs: 2.1.4 in A, 2.9.6, 2.1.4 in B",
      "B is not the commit",
      "load average 4.2 on 2 cores",
    ]
  ) assertStringIncludes(warnings, part);
});
