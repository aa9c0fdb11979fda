import type { JobProcess } from "../../support/processes/job_process.ts";
import { type Line, toLine } from "../report.ts";
import type { StoreName } from "../stores/store_job.ts";
import type { CaseContext } from "./context.ts";
import {
  askRate,
  prepareStoreWorker,
  type RunningStore,
  startPostgres,
  startRedis,
  startStoreWorker,
} from "./stores.ts";

/** Minimum ratio of durable publishes to single-row inserts of the same client. */
const TARGET = 20;
const IN_FLIGHT = 1_000;
const PUBLISHES = 20_000;
/** Small, because single inserts are slow. */
const SINGLE_INSERTS = 1_000;
const ROOMS = [1, 100] as const;

/** Measured store with its options. */
interface StoreSetup {
  readonly name: string;
  readonly store: StoreName;
  readonly start: () => Promise<RunningStore>;
}

const STORE_SETUPS: readonly StoreSetup[] = [
  { name: "Postgres, fsync on", store: "postgres", start: () => startPostgres({ isSafe: true }) },
  { name: "Postgres, fsync off", store: "postgres", start: () => startPostgres({ isSafe: false }) },
  { name: "Redis", store: "redis", start: startRedis },
];

interface Round {
  readonly bare: number;
  readonly ours: ReadonlyMap<number, number>;
}

/**
 * Measures durable publishes a second through the backplane of one isolate, in one room and in a
 * hundred.
 */
export async function benchDurable(context: CaseContext): Promise<Line[]> {
  const program = await prepareStoreWorker(context);
  const lines: Line[] = [];
  for (const setup of STORE_SETUPS) {
    const rounds: Round[] = [];
    for (let round = 1; round <= context.rounds; round++) {
      await using running = await setup.start();
      await using worker = await startStoreWorker(program);
      const measured = await measureRound(worker, setup.store, running.url);
      rounds.push(measured);
      const rates = [...measured.ours].map(([rooms, rate]) => `${rate.toFixed(0)} in ${rooms}`);
      context.progress(
        `${setup.name}, round ${round}: ${rates.join(", ")}; bare ${measured.bare.toFixed(0)}`,
      );
    }
    lines.push(...linesOf(context, setup, rounds));
  }
  context.progress(
    "for comparison: Centrifugo reports about 17,000 a second through its Postgres broker on a laptop",
  );
  return lines;
}

/** Measures the peer before and after ours, so that noise affects both. */
async function measureRound(worker: JobProcess, store: StoreName, url: string): Promise<Round> {
  const bareJob = store === "postgres"
    ? { count: SINGLE_INSERTS, inFlight: 1 }
    : { count: PUBLISHES, inFlight: IN_FLIGHT };
  const askBare = () => askRate(worker, { store, url, side: "bare", rooms: 1, ...bareJob });
  const before = await askBare();
  const ours = new Map<number, number>();
  for (const rooms of ROOMS) {
    const job = { store, url, side: "backplane", rooms, count: PUBLISHES, inFlight: IN_FLIGHT } as const;
    ours.set(rooms, await askRate(worker, job));
  }
  return { bare: (before + await askBare()) / 2, ours };
}

function linesOf({ deno }: CaseContext, { name, store }: StoreSetup, rounds: readonly Round[]): Line[] {
  return ROOMS.map((rooms) =>
    toLine({
      case: "durable",
      deno: deno.version,
      figure: `${name}, ${rooms === 1 ? "one room" : `${rooms} rooms`}`,
      unit: "a second",
      ours: rounds.map(({ ours }) => ours.get(rooms) ?? 0),
      peerName: store === "postgres" ? "single-row inserts" : "Redis PUBLISH",
      peer: rounds.map(({ bare }) => bare),
      ...(store === "postgres" ? { atLeast: TARGET } : {}),
    })
  );
}
