import { assertEquals, assertMatch } from "@std/assert";
import { deadline } from "@std/async";
import { readLines } from "../../../tools/support/processes/read_lines.ts";
import { HOLDS } from "./program_output.ts";
import type { Runtime } from "./runtime_suite.ts";

/** For a scenario, on a machine that may be busy. */
const SCENARIO_MS = 45_000;
/**
 * Longest time for a program to end by itself: shorter than any timer that a client could leave
 * behind.
 */
const ENDING_MS = 4_000;

/** A command that runs a program, followed by the program's arguments. */
export interface ProgramCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Expected version in the output. */
  readonly version: RegExp;
  /** Lines that the runtime itself writes to stderr. Default: none. */
  readonly mutters?: RegExp;
}

/**
 * A runtime with one process per scenario. The program has to succeed, print only that, and end by
 * itself.
 */
export function processRuntime({ command, args, version, mutters }: ProgramCommand): Runtime {
  let seen = "";
  return {
    get version() {
      return seen;
    },
    async run(scenario, address) {
      const { code, stdout: [runsOn = "", ...said], stderr } = await runToItsEnd(command, [
        ...args,
        scenario,
        address,
      ]);
      const complaints = stderr.filter((line) => !mutters?.test(line));
      assertEquals({ code, said, complaints }, { code: 0, said: [HOLDS], complaints: [] });
      assertMatch(runsOn, version);
      seen = runsOn;
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Output lines of a program and its exit code. */
interface ProgramEnd {
  readonly code: number;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

async function runToItsEnd(command: string, args: readonly string[]): Promise<ProgramEnd> {
  const child = new Deno.Command(command, {
    args: [...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout: string[] = [];
  const stderr: string[] = [];
  const holds = Promise.withResolvers<void>();
  const reading = Promise.all([
    readLines(child.stdout, (line) => {
      stdout.push(line);
      if (line === HOLDS) holds.resolve();
    }),
    readLines(child.stderr, (line) => void stderr.push(line)),
  ]);
  let hasEnded = false;
  const ending = child.status.finally(() => hasEnded = true);
  try {
    await deadline(Promise.race([holds.promise, ending]), SCENARIO_MS).catch(() => {
      throw new Error(`The scenario took longer than ${SCENARIO_MS} ms:\n${stderr.join("\n")}`);
    });
    const { code } = await deadline(ending, ENDING_MS).catch(() => {
      throw new Error("The scenario holds, but the program does not end by itself.");
    });
    await reading;
    return { code, stdout, stderr };
  } finally {
    if (!hasEnded) child.kill("SIGKILL");
    await ending;
    await reading;
  }
}
