/** The picture of a run has every figure with a target, in shapes and in words. */
import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { drawPicture } from "../../tools/bench/picture/draw_picture.ts";
import { arrangePanels } from "../../tools/bench/picture/panels.ts";
import { type Measured, toLine } from "../../tools/bench/report.ts";
import { EMPTY_RUN } from "./runs.ts";

const ECHO: Measured = {
  case: "echo",
  deno: "2.9.6",
  figure: "server CPU per message",
  unit: "µs",
  ours: [11, 12, 13],
  peerName: "raw Deno",
  peer: [10, 10, 10],
  target: 1.1,
};
const ECHO_BESIDE_BUN: Measured = {
  case: "echo",
  deno: "2.9.6",
  figure: "server CPU per message",
  unit: "µs",
  ours: [11, 12, 13],
  peerName: `Bun <1.4> & "friends"`,
  peer: [5, 6, 7],
};
const JOIN: Measured = {
  case: "join",
  deno: "2.9.6",
  figure: "a join",
  unit: "µs",
  ours: [1],
  peerName: "raw Deno",
  peer: [2],
};
const DURABLE: Measured = {
  ...JOIN,
  case: "durable",
  figure: "one room",
  unit: "a second",
  ours: [17_000],
  peer: [1_000],
  atLeast: 20,
};

const LINES = [ECHO, ECHO_BESIDE_BUN, { ...ECHO, deno: "2.1.4", ours: [9, 9, 9] }, JOIN, DURABLE].map(toLine);

Deno.test("each figure with a target is a panel with ours, every peer and a line at the target, for each version", () => {
  const panels = arrangePanels(LINES);
  assertEquals(panels.map(({ title, figure }) => [title, figure]), [
    ["Echo", "server CPU per message"],
    ["Durable publishes", "one room"],
  ]);
  const sections = panels[0]?.sections ?? [];
  assertEquals(sections.map(({ deno, bars }) => [deno, ...bars.map(({ label }) => label)]), [
    ["2.9.6", "ours", "raw Deno", `Bun <1.4> & "friends"`],
    ["2.1.4", "ours", "raw Deno"],
  ]);
  assertEquals(sections.map(({ targets }) => targets), [
    [{ at: 11, text: "1.20 × raw Deno (≤ 1.10)", isMet: false }],
    [{ at: 11, text: "0.90 × raw Deno (≤ 1.10)", isMet: true }],
  ]);
  assertEquals(panels[1]?.sections[0]?.targets, [
    { at: 20_000, text: "17.00 × raw Deno (≥ 20.00)", isMet: false },
  ]);
});

Deno.test("a target for every round shows the worst round", () => {
  const [panel] = arrangePanels([toLine({ ...ECHO, everyRound: true })]);
  assertEquals(panel?.sections[0]?.targets[0]?.text, "1.30 × raw Deno (≤ 1.10)");
});

Deno.test("values have units, and the description has all of them", () => {
  const svg = drawPicture({ ...EMPTY_RUN, lines: LINES });
  for (const value of [">12 µs<", ">6 µs<", ">17,000 /s<"]) {
    assertStringIncludes(svg, value);
  }
  assertStringIncludes(svg, `role="img" aria-labelledby="title desc"`);
  assertStringIncludes(svg, "1 of 3 targets are met");
  assertStringIncludes(svg, "on Deno 2.1.4 ours 9, raw Deno 10; 0.90 × raw Deno (≤ 1.10): met");
});

Deno.test("the picture is plain, well-formed SVG whose names cannot break it", () => {
  const svg = drawPicture({ ...EMPTY_RUN, lines: LINES });
  assertStringIncludes(svg, "Bun &lt;1.4&gt; &amp; &quot;friends&quot;");
  assertFalse(/<script|\bon\w+=|href/.test(svg));
  assertStringIncludes(svg, "prefers-color-scheme: dark");
  const open: string[] = [];
  for (const [, end, name = "", empty] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (end) assertEquals(open.pop(), name);
    else if (!empty) open.push(name);
  }
  assertEquals(open, []);
  assertFalse(/NaN|undefined|Infinity/.test(svg));
});

Deno.test("a run with no target makes a picture without a panel", () => {
  const svg = drawPicture(EMPTY_RUN);
  assertStringIncludes(svg, "0 of 0 targets");
  assert(svg.endsWith("</svg>\n"));
});
