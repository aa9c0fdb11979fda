/** A figure is judged by its target, and the tables show it. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type Cost, Tally } from "../../tools/bench/harness/tally.ts";
import { type Measured, toLine } from "../../tools/bench/report/line.ts";
import { readResults, type Results, saveResults } from "../../tools/bench/report/results.ts";
import {
  comparisonTable,
  hostedTable,
  performanceTables,
  runTable,
} from "../../tools/bench/report/tables.ts";

const MEASURED: Measured = {
  figure: "a message",
  unit: "µs",
  ours: [10, 11, 30],
  peerName: "raw Deno",
  peer: [10, 10, 10],
};

function metOf(more: Partial<Measured>): boolean | undefined {
  return toLine("2.1.4", { ...MEASURED, ...more }).met;
}

function resultsOf(...measured: readonly Partial<Measured>[]): Results {
  const lines = measured.map((more) => toLine("2.1.4", { ...MEASURED, ...more }));
  const measuredAt = "2026-11-23T12:00:00.000Z";
  return { case: "echo", measured: measuredAt, machine: "a machine", commit: "abc", rounds: 3, lines };
}

Deno.test("the median of the rounds' ratios decides, or every round where that is asked", () => {
  assertEquals(metOf({ target: 1.1 }), true);
  assertEquals(metOf({ target: 1.0 }), false);
  assertEquals(metOf({ target: 1.1, everyRound: true }), false);
  assertEquals(metOf({ target: 3, everyRound: true }), true);
  assertEquals(metOf({ atLeast: 1.1 }), true);
  assertEquals(metOf({ atLeast: 1.1, everyRound: true }), false);
  assertEquals(metOf({}), undefined);
});

Deno.test("a message lost in one round of three is a target missed", () => {
  const lost = { unit: "messages", peer: [9_000, 9_000, 9_000], target: 0, everyRound: true };
  assertEquals(metOf({ ...lost, ours: [0, 0, 1] }), false);
  assertEquals(metOf({ ...lost, ours: [0, 0, 0] }), true);
});

Deno.test("the table has medians with their spread, the target, and whether it is met", () => {
  const [, , missed = "", informs = ""] = runTable([resultsOf({ ours: [10.5, 11, 30], target: 1 }, {})])
    .split("\n");
  assertStringIncludes(
    missed,
    "| 11.0 (10.5–30.0) | 10 (10–10) | raw Deno | 1.10 (1.05–3.00) | ≤ 1.00 | MISSED |",
  );
  assertStringIncludes(informs, "| 11 (10–30) ");
});

Deno.test("the costs of a side's slices add up to the sample of their round", () => {
  const tally = new Tally();
  for (
    const slices of [[{ cpuMicros: 300, count: 2 }, { cpuMicros: 100, count: 2 }], [{
      cpuMicros: 80,
      count: 4,
    }]]
  ) {
    tally.startRound();
    for (const slice of slices) tally.add("ours", { wallMs: 1, loadMs: 0, ...slice });
    tally.add("peer", { wallMs: 1, loadMs: 0, cpuMicros: 60, count: 2 });
  }
  assertEquals(tally.pair("ours", "peer"), { ours: [100, 20], peer: [30, 30], isLoadLimited: false });
  assertThrows(() => tally.pair("ours", "another"), Error, "another was not measured");
});

Deno.test("the table says where the load generator was busy while the server waited", () => {
  const textOf = (peer: Cost): string => {
    const tally = new Tally();
    tally.startRound();
    tally.add("ours", { cpuMicros: 950_000, wallMs: 1_000, loadMs: 950, count: 1 });
    tally.add("peer", peer);
    return runTable([resultsOf(tally.pair("ours", "peer"))]);
  };
  const waiting = { cpuMicros: 600_000, wallMs: 1_000, loadMs: 950, count: 1 };
  assertStringIncludes(textOf(waiting), "(the load generator was the limit)");
  assertEquals(textOf({ ...waiting, cpuMicros: 950_000 }).includes("limit"), false);
});

Deno.test("a comparison has both ratios, their change, and whether their spreads overlap", () => {
  const before = resultsOf({}, { figure: "only before" }, { figure: "faster", ours: [20, 20, 20] });
  const after = resultsOf({}, { figure: "faster", ours: [10, 10, 11] });
  const [, , same = "", faster = "", ...more] = comparisonTable([before], [after]).split("\n");
  assertStringIncludes(same, "| 1.10 (1.00–3.00) | 1.10 (1.00–3.00) | 1.00 | overlap |");
  assertStringIncludes(faster, "| 2.00 (2.00–2.00) | 1.00 (1.00–1.10) | 0.50 | apart |");
  assertEquals(more, []);
});

Deno.test("saved results are read again, a file for each case, and make the tables of the page", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const peer = { figure: "b", peerName: "Hono 4", ours: [12, 12, 12] };
    const echo = resultsOf({ target: 1, ours: [20, 20, 20] }, { ...peer, figure: "a message" }, {
      atLeast: 1,
    });
    const hosted = { ...resultsOf({ figure: "life", unit: "s", peerName: "plain clients" }), case: "hosted" };
    await saveResults(directory, [hosted, echo]);
    assertEquals(readResults(directory), [echo, hosted]);
    const text = performanceTables(directory);
    assertStringIncludes(text, "| echo: a message | raw Deno | **2.00** (2.00–2.00) |  | ≤ 1.00 |");
    assertStringIncludes(text, "| echo: a message | 2.1.4 | 2.00 | 1.20 |  |  |");
    assertStringIncludes(hostedTable(directory), "| life | s | 11 (10–30) | 10 (10–10) | plain clients |");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a file of results with a wrong field is named, with the field", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const { lines, ...run } = resultsOf({});
    await Deno.writeTextFile(
      `${directory}/echo.json`,
      JSON.stringify({ ...run, lines: [{ ...lines[0], unit: 7 }] }),
    );
    assertThrows(() => readResults(directory), Error, `${directory}/echo.json has no results of the bench`);
    assertThrows(() => readResults(directory), Error, "lines[0].unit");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
