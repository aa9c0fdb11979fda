/** A figure is judged by its target, and the tables show it. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { compareResults } from "../../tools/bench/compare.ts";
import { type Measured, toLine } from "../../tools/bench/report/line.ts";
import { performanceTables } from "../../tools/bench/report/performance_table.ts";
import { readResults, type Results, writeResults } from "../../tools/bench/report/results.ts";
import { formatTable } from "../../tools/bench/report/table.ts";
import { usageDetails } from "../../tools/bench/report/usage.ts";

const MEASURED: Measured = {
  case: "echo",
  deno: "2.1.4",
  figure: "a message",
  unit: "µs",
  ours: [10, 11, 30],
  peerName: "raw Deno",
  peer: [10, 10, 10],
};

function metOf(more: Partial<Measured>): boolean | undefined {
  return toLine({ ...MEASURED, ...more }).met;
}

function resultsOf(...measured: readonly Partial<Measured>[]): Results {
  const lines = measured.map((more) => toLine({ ...MEASURED, ...more }));
  return {
    format: 2,
    measured: "2026-11-23T12:00:00.000Z",
    machine: "a machine",
    commit: "abc",
    rounds: 3,
    lines,
  };
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
  const table = formatTable([toLine({ ...MEASURED, ours: [10.5, 11, 30], target: 1 }), toLine(MEASURED)]);
  const [, , missed = "", informs = ""] = table.split("\n");
  assertStringIncludes(
    missed,
    "| 11.0 (10.5–30.0) | 10 (10–10) | raw Deno | 1.10 (1.05–3.00) | ≤ 1.00 | MISSED |",
  );
  assertStringIncludes(informs, "| 11 (10–30) ");
});

Deno.test("the table says where the load generator was busy while the server waited", () => {
  const usage = { cpuMicros: 600_000, wallMs: 1_000, loadMs: 950 };
  const limited = toLine({ ...MEASURED, details: usageDetails("peer", [usage]) });
  const busy = toLine({ ...MEASURED, details: usageDetails("peer", [{ ...usage, cpuMicros: 950_000 }]) });
  assertStringIncludes(formatTable([limited]), "(the load generator was the limit)");
  assertEquals(formatTable([busy]).includes("limit"), false);
});

Deno.test("a comparison has both ratios, their change, and whether their spreads overlap", () => {
  const before = resultsOf({}, { figure: "only before" }, { figure: "faster", ours: [20, 20, 20] });
  const after = resultsOf({}, { figure: "faster", ours: [10, 10, 11] }, { figure: "only after" });
  const text = compareResults(before, after);
  const [, , same = "", faster = ""] = text.split("\n");
  assertStringIncludes(same, "| 1.10 (1.00–3.00) | 1.10 (1.00–3.00) | 1.00  | overlap |");
  assertStringIncludes(faster, "| 2.00 (2.00–2.00) | 1.00 (1.00–1.10) | 0.50  | apart   |");
  assertStringIncludes(text, "Only in A: echo, Deno 2.1.4, only before, beside raw Deno");
  assertStringIncludes(text, "Only in B: echo, Deno 2.1.4, only after, beside raw Deno");
});

Deno.test("results are read as they were written, and what is wrong in a file is named", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const results = resultsOf({ target: 1.1 });
    await writeResults(file, results);
    assertEquals(readResults(file), results);
    await Deno.writeTextFile(file, JSON.stringify({ ...results, lines: [{ ...results.lines[0], unit: 7 }] }));
    assertThrows(() => readResults(file), Error, `${file} has no results of the bench`);
    assertThrows(() => readResults(file), Error, "lines[0].unit");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("the page's tables take each figure from the newest file that has it", async () => {
  const directory = new URL(`file://${await Deno.makeTempDir()}/`);
  const write = (name: string, results: Results) => writeResults(new URL(name, directory).pathname, results);
  try {
    const other = { figure: "another", target: 1, ours: [9, 9, 9] };
    await write("2026-11-24.json", resultsOf({ target: 1, ours: [20, 20, 20] }));
    await write("2026-11-23.json", resultsOf({ target: 1, ours: [5, 5, 5] }, other));
    await write("2026-11-25.json", resultsOf({ peerName: "Hono 4", ours: [12, 12, 12] }));
    const text = performanceTables(directory);
    assertStringIncludes(text, "| echo: a message | raw Deno | **2.00** (2.00–2.00) |  | ≤ 1.00 |");
    assertStringIncludes(text, "| echo: another | raw Deno | 0.90 (0.90–0.90) |  | ≤ 1.00 |");
    assertStringIncludes(text, "| echo: a message | 2.1.4 | 2.00 | 1.20 |  |  |");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
