/** A figure is judged by its target, and the table shows it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { formatTable, type Measured, toLine } from "../../tools/bench/report.ts";

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

Deno.test("of rates and of members that fit more is better, of everything else less", () => {
  const betterIs = (more: Partial<Measured>) => toLine({ ...MEASURED, ...more }).betterIs;
  assertEquals(["a second", "1/s", "members"].map((unit) => betterIs({ unit })), ["more", "more", "more"]);
  assertEquals(["µs", "ms", "KB", "messages"].map((unit) => betterIs({ unit })), [
    "less",
    "less",
    "less",
    "less",
  ]);
  assertEquals(betterIs({ atLeast: 20 }), "more");
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
