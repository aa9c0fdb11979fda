/** The bench's command line: defaults, and what it refuses. */
import { assertEquals, assertThrows } from "@std/assert";
import { parseOptions } from "../../tools/bench/bench_options.ts";

const CASES = ["echo", "connect", "boot"];

Deno.test("the bench runs every case and peer, and saves nothing unless asked", () => {
  const { only, rounds, denoVersions, hasAllPeers, save } = parseOptions([], CASES);
  assertEquals({ only, rounds, denoVersions, hasAllPeers, save }, {
    only: CASES,
    rounds: 7,
    denoVersions: ["2.9.6", "2.1.4"],
    hasAllPeers: true,
    save: undefined,
  });
});

Deno.test("cases run in the bench's order, with as few rounds and peers as asked", () => {
  const args = ["--rounds", "1", "--only", "boot,connect", "--peers", "targets", "--save", "/tmp/results"];
  const { only, rounds, hasAllPeers, save } = parseOptions(args, CASES);
  assertEquals([only, rounds, hasAllPeers, save], [["connect", "boot"], 1, false, "/tmp/results"]);
});

Deno.test("a wrong option is named", () => {
  const cases: [args: string[], message: string][] = [
    [["--only", "echo,hosted"], "--only does not take hosted."],
    [["--rounds", "51"], "--rounds takes a whole number from 1 to 50, not 51."],
    [["--deno", "2.9"], "--deno does not take 2.9."],
    [["--peers", "some"], "--peers does not take some."],
    [["--save="], "--save takes a directory, not nothing."],
  ];
  for (const [args, message] of cases) assertThrows(() => parseOptions(args, CASES), Error, message);
});
