import { delay } from "@std/async";
import type { SoakOptions } from "../soak_options.ts";
import { Churn } from "./churn.ts";
import { startChurnedServer } from "./churned_server.ts";
import { FLAT_BELOW, type Flatness, judgeFlatness } from "./flatness.ts";
import { SESSIONS } from "./sessions.ts";

/** Memory of the process at one moment. */
interface MemorySample {
  /** Seconds since the run began. */
  readonly at: number;
  /** Resident memory and V8's heap, in bytes. */
  readonly resident: number;
  readonly heap: number;
}

/** Result of a run. */
interface ChurnOutcome {
  readonly deno: string;
  readonly seed: number;
  readonly without: readonly string[];
  readonly sessions: number;
  /** Heap at the end after a garbage collection, in bytes. */
  readonly liveHeap: number;
  readonly resident: Flatness;
  readonly heap: Flatness;
  /** True if neither resident memory nor the heap grew over the second half. */
  readonly isFlat: boolean;
  readonly samples: readonly MemorySample[];
}

/** Receives each sample, and the number of sessions so far. */
type OnSample = (sample: MemorySample, sessions: number) => void;

const SAMPLE_EVERY_MS = 5_000;
/** Minimum number of samples; a short run takes them closer together. */
const LEAST_SAMPLES = 60;
const TABLE_ROWS = 10;
const MIB = 1_048_576;

/**
 * Measures the memory of one process while members join and leave. Linux only, because resident
 * memory comes from /proc.
 */
export async function runChurn(
  { runMs, rate, seed, without }: Pick<SoakOptions, "runMs" | "rate" | "seed" | "without">,
  onSample: OnSample,
): Promise<ChurnOutcome> {
  const scripts = Object.fromEntries(Object.entries(SESSIONS).filter(([name]) => !without.includes(name)));
  await using server = await startChurnedServer();
  await using churn = await Churn.begin(server, seed, { scripts });
  const over = new AbortController();
  const running = churn.runUntil(over.signal, rate).finally(() => over.abort());
  running.catch(() => {/* awaited below; until then a failed session only ends the sampling */});
  const samples: MemorySample[] = [];
  const startedAt = performance.now();
  const elapsedMs = () => performance.now() - startedAt;
  while (!over.signal.aborted && elapsedMs() < runMs) {
    const at = elapsedMs() / 1_000;
    const { rss: resident, heap } = await server.memory();
    samples.push({ at, resident, heap });
    onSample({ at, resident, heap }, churn.sessions);
    await delay(Math.min(SAMPLE_EVERY_MS, runMs / LEAST_SAMPLES), { signal: over.signal }).catch(() => {});
  }
  over.abort();
  await running;
  await churn.settled();
  const resident = judgeFlatness(samples.map(({ at, resident }) => ({ at, value: resident })));
  const heap = judgeFlatness(samples.map(({ at, heap }) => ({ at, value: heap })));
  return {
    deno: Deno.version.deno,
    seed,
    without,
    sessions: churn.sessions,
    liveHeap: await server.liveHeap(),
    resident,
    heap,
    isFlat: resident.isFlat && heap.isFlat,
    samples,
  };
}

/** Formats a run: the verdict, and a table of memory over time. */
export function describeChurn(outcome: ChurnOutcome): string {
  const { deno, seed, sessions, liveHeap, resident, heap, isFlat, samples } = outcome;
  const step = Math.max(1, Math.ceil(samples.length / TABLE_ROWS));
  const shown = samples.filter((_, at) => at % step === 0 || at === samples.length - 1);
  return [
    `${isFlat ? "FLAT" : "NOT FLAT"}  ${sessions} sessions, seed ${seed}, Deno ${deno}`,
    "",
    row("minutes", "resident MiB", "heap MiB"),
    ...shown.map(({ at, resident, heap }) => row((at / 60).toFixed(1), mib(resident), mib(heap))),
    "",
    describeFlatness("resident", resident),
    describeFlatness("heap", heap),
    `live heap at the end: ${mib(liveHeap)} MiB`,
  ].join("\n");
}

function describeFlatness(name: string, { median, rise, riseShare, isFlat }: Flatness): string {
  const share = `${(100 * riseShare).toFixed(1)} % of the median ${mib(median)} MiB`;
  const verdict = isFlat ? "flat" : "not flat";
  return `${name}: ${mib(rise)} MiB more over the second half, ${share}: ${verdict} (bound ${
    100 * FLAT_BELOW
  } %)`;
}

function row(...cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(14)).join("");
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
