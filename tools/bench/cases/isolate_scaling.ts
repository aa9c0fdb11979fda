import type { PreparedProgram } from "../harness/program.ts";
import type { JobProcess } from "../../support/processes/job_process.ts";
import { type Line, toLine } from "../report.ts";
import { quantile } from "../statistics.ts";
import type { StoreName } from "../stores/store_job.ts";
import type { CaseContext } from "./context.ts";
import {
  askLatencies,
  askRate,
  prepareStoreWorker,
  startPostgres,
  startRedis,
  startStoreWorker,
} from "./stores.ts";

/** Numbers of processes, each with its own backplane. One process is the peer of the others. */
const PROCESSES = [1, 2, 4, 8] as const;
/** Total of all processes, so that the store's work is independent of their number. */
const PUBLISHES = 16_000;
const IN_FLIGHT = 800;
const ROUND_TRIPS = 200;
const WARM_UPS = 100;

interface Sample {
  /** Durable publishes a second into one room, over all processes, without subscribers. */
  readonly rate: number;
  /**
   * Median latency between two backplanes, while one backplane of each process follows the room.
   */
  readonly latencyMs: number;
}

/**
 * Measures the stores with several isolates: publishes a second into one shared room, and the
 * latency without load.
 */
export async function benchIsolates(context: CaseContext): Promise<Line[]> {
  const program = await prepareStoreWorker(context);
  const lines: Line[] = [];
  for (const store of ["redis", "postgres"] as const) {
    const samples = new Map<number, Sample[]>(PROCESSES.map((count) => [count, []]));
    for (let round = 1; round <= context.rounds; round++) {
      for (const count of PROCESSES) {
        const sample = await measure(program, store, count);
        samples.get(count)?.push(sample);
        const { rate, latencyMs } = sample;
        context.progress(
          `${store}, round ${round}, ${count} processes: ${rate.toFixed(0)} a second, ${
            latencyMs.toFixed(2)
          } ms`,
        );
      }
    }
    lines.push(...linesOf(context, store, samples));
  }
  return lines;
}

async function measure(program: PreparedProgram, store: StoreName, count: number): Promise<Sample> {
  await using running = store === "redis" ? await startRedis() : await startPostgres({ isSafe: true });
  const { url } = running;
  await using stack = new AsyncDisposableStack();
  const workers: JobProcess[] = [];
  for (let started = 0; started < count; started++) workers.push(stack.use(await startStoreWorker(program)));
  const [first] = workers;
  if (!first) throw new Error("no process");
  for (const worker of workers) await worker.ask({ type: "connect", store, url });
  await askLatencies(first, "backplanes", WARM_UPS);
  const latencyMs = quantile(await askLatencies(first, "backplanes", ROUND_TRIPS), 0.5);
  const share = { rooms: 1, count: PUBLISHES / count, inFlight: IN_FLIGHT / count };
  const rates = await Promise.all(
    workers.map((worker) => askRate(worker, { store, url, side: "backplane", ...share })),
  );
  return { rate: rates.reduce((sum, rate) => sum + rate, 0), latencyMs };
}

function linesOf({ deno }: CaseContext, store: StoreName, samples: ReadonlyMap<number, Sample[]>): Line[] {
  const of = (count: number, read: (sample: Sample) => number) => (samples.get(count) ?? []).map(read);
  return PROCESSES.flatMap((count) => {
    const common = { case: "isolates", deno: deno.version, peerName: "one process" };
    const name = `${store}, ${count === 1 ? "1 process" : `${count} processes`}`;
    return [
      toLine({
        ...common,
        figure: name,
        unit: "a second",
        ours: of(count, ({ rate }) => rate),
        peer: of(1, ({ rate }) => rate),
      }),
      toLine({
        ...common,
        figure: `${name}, p50`,
        unit: "ms",
        ours: of(count, ({ latencyMs }) => latencyMs),
        peer: of(1, ({ latencyMs }) => latencyMs),
      }),
    ];
  });
}
