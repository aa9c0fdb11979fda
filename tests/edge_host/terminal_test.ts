/** The edge host's command line and terminal output (docs/edge-host.md). */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseEnvFile } from "../../tools/edge_host/env_file.ts";
import { HOSTED_LIMITS } from "../../tools/support/isolates/limits.ts";
import { parseOptions, USAGE } from "../../tools/edge_host/edge_options.ts";
import type { IsolateView } from "../../tools/support/isolates/pool.ts";
import { createScreen } from "../../tools/edge_host/screen.ts";
import { drawTable } from "../../tools/edge_host/table.ts";

const VIEW: IsolateView = {
  isolate: "0123456789",
  state: "retired",
  ageMs: 380_000,
  cpuMs: 1_100,
  memoryBytes: 10 * 1_048_576,
  sockets: 3,
  unanswered: 0,
  lastReason: "wall_clock",
};

Deno.test("limits default to those of the hosted platform", () => {
  const { limits } = parseOptions([]);
  assertEquals({ ...HOSTED_LIMITS, ...limits }, HOSTED_LIMITS);
  const given = parseOptions([
    "--wall",
    "4s",
    "--cpu-soft=250ms",
    "--memory",
    "64MiB",
    "--idle",
    "1.5m",
    "--absent=2s",
  ]);
  assertEquals(given.limits, {
    wallMs: 4_000,
    cpuSoftMs: 250,
    cpuHardMs: 500,
    memoryBytes: 64 * 1_048_576,
    idleMs: 90_000,
    graceMs: 15_000,
    absentMs: 2_000,
  });
});

Deno.test("a wrong option is named in the error", () => {
  const wrong: [string[], string][] = [
    [["--wall", "4"], "--wall takes a time"],
    [["--wall", "0s"], "--wall takes a time"],
    [["--memory", "256"], "--memory takes an amount of memory"],
    [["--isolates", "0"], "--isolates takes a whole number from 1 to 64"],
    [["--port", "x"], "--port takes a whole number"],
    [["--cpu-hard", "1ms"], "--cpu-hard takes at least --cpu-soft"],
    [["--wand", "4s"], "--wand"],
  ];
  for (const [args, message] of wrong) assertThrows(() => parseOptions(args), Error, message);
});

Deno.test("the help text names every option that is read", () => {
  const names = [
    "function",
    "port",
    "host",
    "env-file",
    "deno",
    "region",
    "wall",
    "cpu-soft",
    "cpu-hard",
    "memory",
  ];
  for (const name of [...names, "idle", "absent", "grace", "isolates", "workers", "plain", "help"]) {
    assert(USAGE.includes(`--${name}`), name);
  }
});

Deno.test("an environment file yields its variables, or an error that names the line", () => {
  const text = "# a comment\nA=1\n\nexport B = two words \nC=\"a\\nb\"\nD='$x'\nE=";
  assertEquals(parseEnvFile(text), { A: "1", B: "two words", C: "a\nb", D: "$x", E: "" });
  assertThrows(() => parseEnvFile("A=1\nsecret text"), Error, "Line 2");
});

Deno.test("the table shows each figure beside its limit, in colours only on request", () => {
  const options = { limits: HOSTED_LIMITS, isColoured: false };
  const [, row = ""] = drawTable([VIEW], options);
  assertEquals(row.trim().split(/ {2,}/), [
    "01234567",
    "retired",
    "wall_clock",
    "380.00 s / 400.00 s",
    "1.10 s / 2.00 s",
    "10.0 MiB / 256.0 MiB",
    "3",
    "0",
  ]);
  assertEquals(drawTable([], options).length, 2);
  const [, coloured = ""] = drawTable([VIEW], { ...options, isColoured: true });
  assert(coloured.includes("\x1b[31m") && coloured.includes("\x1b[33m"));
  assert(!row.includes("\x1b"));
});

Deno.test("the table is wiped before a line is written, and never wider than the terminal", () => {
  let written = "";
  const screen = createScreen({
    drawTable: () => ["one", "\x1b[31mlonger\x1b[0m"],
    columns: () => 4,
    output: (text) => written += text,
  });
  screen.redraw();
  assertEquals(written, "one\n\x1b[31mlong\x1b[0m\n");
  written = "";
  screen.write("a line");
  assertEquals(written, "\x1b[2A\r\x1b[0Ja line\none\n\x1b[31mlong\x1b[0m\n");
});

Deno.test("without a table lines are written as they are", () => {
  let written = "";
  const screen = createScreen({ drawTable: undefined, columns: () => 80, output: (text) => written += text });
  screen.redraw();
  screen.write("a line");
  assertEquals(written, "a line\n");
});
