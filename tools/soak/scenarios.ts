import { delay } from "@std/async";
import { SeededRandom } from "../support/seeded_random.ts";
import { FaultInjector } from "./fault_injector.ts";
import type { LoadProgress } from "./soak_jobs.ts";
import type { SoakOptions } from "./soak_options.ts";
import { type InjectedFaults, judgeRun, type SoakOutcome } from "./outcome.ts";
import { type Fixture, startFixture } from "./soak_fixture.ts";
import type { BackplaneName } from "../support/backplane_store.ts";

/** Receives the progress of a run about once a second. */
export type OnProgress = (
  progress: LoadProgress & { readonly elapsedMs: number; readonly isolates: number },
) => void;

/** Number of concurrent joins at the start, over all processes. */
const JOIN_AT_ONCE = 50;
const PROGRESS_EVERY_MS = 1_000;
/**
 * Limit for all clients to catch up, and for the presence of vanished clients to end, after the
 * last publish.
 */
const TIMEOUT_MS = 60_000;

/**
 * Clients publish while isolates start, end and are killed, and while connections to the store are
 * cut.
 */
export async function runTurnover(
  options: SoakOptions,
  backplane: BackplaneName,
  onProgress: OnProgress,
): Promise<SoakOutcome> {
  await using fixture = await startFixture(options, backplane);
  const { clients, store, isolates, leaving } = fixture;
  await clients.join(JOIN_AT_ONCE);
  await clients.publish(options.rate, options.seed);
  const injector = new FaultInjector(store, isolates, options);
  try {
    await waitWithProgress(fixture, options.runMs / 2, 0, onProgress);
    await clients.leave(leaving);
    await waitWithProgress(fixture, options.runMs / 2, options.runMs / 2, onProgress);
  } finally {
    await injector.stop();
  }
  return await finish(fixture, {
    options,
    backplane,
    injectedFaults: injector.injectedFaults,
    maxAwayMs: null,
  });
}

/** One isolate holds all clients, and is killed without a warning. */
export async function runKill(
  options: SoakOptions,
  backplane: BackplaneName,
  onProgress: OnProgress,
): Promise<SoakOutcome> {
  await using fixture = await startFixture(options, backplane);
  const { clients, isolates } = fixture;
  await clients.join(JOIN_AT_ONCE);
  await clients.publish(options.rate, options.seed);
  await waitWithProgress(fixture, options.runMs / 2, 0, onProgress);
  if (isolates.killOne(new SeededRandom(options.seed)) === null) {
    throw new Error("No isolate has sockets, so none was killed.");
  }
  await waitWithProgress(fixture, options.runMs / 2, options.runMs / 2, onProgress);
  const injectedFaults = { kills: 1, cuts: 0, connectionsCut: 0 };
  return await finish(fixture, { options, backplane, injectedFaults, maxAwayMs: options.backWithinMs });
}

/** Waits and reports progress. */
async function waitWithProgress(
  { clients, isolates }: Fixture,
  ms: number,
  beforeMs: number,
  onProgress: OnProgress,
): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    const elapsedMs = performance.now() - startedAt;
    const { booted } = isolates.census;
    onProgress({ ...await clients.progress(), elapsedMs: beforeMs + elapsedMs, isolates: booted });
    if (elapsedMs >= ms) return;
    await delay(Math.min(PROGRESS_EVERY_MS, ms - elapsedMs));
  }
}

/**
 * Ends publishing, kills the vanishing clients, waits for the others to catch up, and judges the
 * run.
 */
async function finish(
  { clients, isolates }: Fixture,
  { options, backplane, injectedFaults, maxAwayMs }: {
    readonly options: SoakOptions;
    readonly backplane: BackplaneName;
    readonly injectedFaults: InjectedFaults;
    readonly maxAwayMs: number | null;
  },
): Promise<SoakOutcome> {
  await clients.stop();
  const vanished = await clients.vanish();
  const caughtUpMs = await clients.untilCaughtUp(TIMEOUT_MS);
  const { tookMs: presentMs, inexact } = await clients.untilPresent(TIMEOUT_MS);
  const { sockets } = isolates;
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
    sockets,
    census,
    injectedFaults,
    maxAwayMs,
  });
}
