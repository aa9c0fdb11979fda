import { delay } from "@std/async";
import { SeededRandom } from "../support/seeded_random.ts";
import { Disturber } from "./disturb.ts";
import type { LoadProgress } from "./soak_jobs.ts";
import type { SoakOptions } from "./soak_options.ts";
import { type Disturbances, judgeRun, type SoakOutcome } from "./outcome.ts";
import { setStage, type Stage } from "./soak_stage.ts";
import type { BackplaneName } from "../support/backplane_store.ts";

/** How a run goes, told now and then. */
export type OnProgress = (
  progress: LoadProgress & { readonly elapsedMs: number; readonly isolates: number },
) => void;

/** Clients that connect at the same time at the beginning, in all. */
const JOIN_AT_ONCE = 50;
const PROGRESS_EVERY_MS = 1_000;
/** How long it may take until everybody has everything, and a lost client's presence has ended, once publishing has. */
const PATIENCE_MS = 60_000;

/** Isolates come and go, some are killed, connections to the store are cut; clients publish all the while. */
export async function runTurnover(
  options: SoakOptions,
  backplane: BackplaneName,
  onProgress: OnProgress,
): Promise<SoakOutcome> {
  await using stage = await setStage(options, backplane);
  const { clients, store, isolates, leaving } = stage;
  await clients.join(JOIN_AT_ONCE);
  await clients.publish(options.rate, options.seed);
  const disturber = new Disturber(store, isolates, options);
  try {
    await watch(stage, options.runMs / 2, 0, onProgress);
    await clients.leave(leaving);
    await watch(stage, options.runMs / 2, options.runMs / 2, onProgress);
  } finally {
    await disturber.stop();
  }
  return await finish(stage, { options, backplane, disturbances: disturber.disturbances, mostAwayMs: null });
}

/** One isolate has everybody, and is killed without a warning. */
export async function runKill(
  options: SoakOptions,
  backplane: BackplaneName,
  onProgress: OnProgress,
): Promise<SoakOutcome> {
  await using stage = await setStage(options, backplane);
  const { clients, isolates } = stage;
  await clients.join(JOIN_AT_ONCE);
  await clients.publish(options.rate, options.seed);
  await watch(stage, options.runMs / 2, 0, onProgress);
  if (isolates.killOne(new SeededRandom(options.seed)) === null) {
    throw new Error("There is no isolate to kill.");
  }
  await watch(stage, options.runMs / 2, options.runMs / 2, onProgress);
  const disturbances = { kills: 1, cuts: 0, connectionsCut: 0 };
  return await finish(stage, { options, backplane, disturbances, mostAwayMs: options.backWithinMs });
}

/** Waits, and tells how it goes. */
async function watch(
  { clients, isolates }: Stage,
  ms: number,
  beforeMs: number,
  onProgress: OnProgress,
): Promise<void> {
  const begunAt = performance.now();
  for (;;) {
    const elapsedMs = performance.now() - begunAt;
    const { booted } = isolates.census;
    onProgress({ ...await clients.progress(), elapsedMs: beforeMs + elapsedMs, isolates: booted });
    if (elapsedMs >= ms) return;
    await delay(Math.min(PROGRESS_EVERY_MS, ms - elapsedMs));
  }
}

/** Publishing ends, the doomed vanish; everybody catches up, and then it is counted. */
async function finish(
  { clients, isolates }: Stage,
  { options, backplane, disturbances, mostAwayMs }: {
    readonly options: SoakOptions;
    readonly backplane: BackplaneName;
    readonly disturbances: Disturbances;
    readonly mostAwayMs: number | null;
  },
): Promise<SoakOutcome> {
  await clients.stop();
  const vanished = await clients.vanish();
  const caughtUpMs = await clients.untilCaughtUp(PATIENCE_MS);
  const { tookMs: presentMs, inexact } = await clients.untilPresent(PATIENCE_MS);
  const reports = await clients.reports();
  const { census } = isolates;
  const { seed } = options;
  return judgeRun({
    backplane,
    seed,
    reports,
    vanished,
    inexact,
    caughtUpMs,
    presentMs,
    census,
    disturbances,
    mostAwayMs,
  });
}
