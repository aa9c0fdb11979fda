/**
 * `deno task soak`: clients publish through isolates that live a few seconds. The soak kills
 * isolates and cuts store connections, then counts lost messages. `--scenario churn` measures
 * memory instead. docs/testing.md explains each figure.
 */
import { describeChurn, runChurn } from "./churn/run_churn.ts";
import { parseOptions, type SoakOptions, USAGE } from "./soak_options.ts";
import type { SoakOutcome } from "./outcome.ts";
import { describeOutcome } from "./soak_report.ts";
import { type OnProgress, runKill, runTurnover } from "./scenarios.ts";

/** Interval of progress lines in a log. A terminal overwrites its line at every update. */
const LOG_EVERY_MS = 10_000;

if (Deno.args.includes("--help")) {
  console.log(USAGE);
  Deno.exit(0);
}
const options = readOptions();
console.log(`seed ${options.seed}`);
Deno.exit(await (options.scenario === "churn" ? churn() : soak()) ? 0 : 1);

/** Runs a scenario on each backplane; resolves with true if every promise was kept. */
async function soak(): Promise<boolean> {
  const run = options.scenario === "turnover" ? runTurnover : runKill;
  const outcomes: SoakOutcome[] = [];
  for (const backplane of options.backplanes) {
    const outcome = await run(options, backplane, createProgressLine(backplane));
    console.log(`\n${describeOutcome(outcome)}\n`);
    outcomes.push(outcome);
  }
  await writeJson({ seed: options.seed, outcomes });
  return outcomes.every(({ isKept }) => isKept);
}

/** Runs the churn scenario; resolves with true if memory stayed flat. */
async function churn(): Promise<boolean> {
  let loggedAt = -Infinity;
  const outcome = await runChurn(options, ({ at, resident, heap }, sessions) => {
    if (at - loggedAt < 60) return;
    loggedAt = at;
    const [residentMib, heapMib] = [resident, heap].map((bytes) => (bytes / 1_048_576).toFixed(1));
    console.log(
      `${(at / 60).toFixed()} min: ${residentMib} MiB resident, ${heapMib} MiB heap, ${sessions} sessions`,
    );
  });
  console.log(`\n${describeChurn(outcome)}`);
  await writeJson(outcome);
  return outcome.isFlat;
}

async function writeJson(value: object): Promise<void> {
  if (options.json === undefined) return;
  await Deno.writeTextFile(options.json, JSON.stringify(value, null, 2) + "\n");
}

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
