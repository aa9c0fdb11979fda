/**
 * `deno task soak`: clients publish through isolates that live a few seconds, are killed, and lose their store; then it is counted what
 * was lost. docs/testing.md says what each figure means.
 */
import { parseOptions, type SoakOptions, USAGE } from "./soak_options.ts";
import type { SoakOutcome } from "./outcome.ts";
import { describeOutcome } from "./soak_report.ts";
import { type OnProgress, runKill, runTurnover } from "./scenarios.ts";

/** A line for a log, at least so often; a terminal's line is written anew every time. */
const LOG_EVERY_MS = 10_000;

if (Deno.args.includes("--help")) {
  console.log(USAGE);
  Deno.exit(0);
}
const options = readOptions();
console.log(`seed ${options.seed}`);
const outcomes: SoakOutcome[] = [];
for (const backplane of options.backplanes) {
  const run = options.scenario === "turnover" ? runTurnover : runKill;
  const outcome = await run(options, backplane, createProgressLine(backplane));
  console.log(`\n${describeOutcome(outcome)}\n`);
  outcomes.push(outcome);
}
if (options.json !== undefined) {
  await Deno.writeTextFile(options.json, JSON.stringify({ seed: options.seed, outcomes }, null, 2) + "\n");
}
Deno.exit(outcomes.every(({ isKept }) => isKept) ? 0 : 1);

function readOptions(): SoakOptions {
  try {
    return parseOptions(Deno.args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    Deno.exit(2);
  }
}

function createProgressLine(backplane: string): OnProgress {
  let loggedAt = -Infinity;
  const isTerminal = Deno.stdout.isTerminal();
  return ({ elapsedMs, live, members, published, pending, delivered, reconnects, isolates }) => {
    if (!isTerminal && performance.now() - loggedAt < LOG_EVERY_MS) return;
    loggedAt = performance.now();
    const line =
      `${backplane} ${
        (elapsedMs / 1_000).toFixed()
      } s: ${live} of ${members} live, ${published} published, ` +
      `${pending} waiting, ${delivered} delivered, ${reconnects} reconnects, ${isolates} isolates`;
    if (isTerminal) Deno.stdout.writeSync(new TextEncoder().encode(`\r\x1b[K${line}`));
    else console.log(line);
  };
}
