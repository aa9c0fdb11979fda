import type { Measured } from "../report/line.ts";
import type { StoreName } from "../stores/job.ts";
import type { CaseContext } from "./context.ts";
import { askRate, startStore, startStoreWorker } from "./stores.ts";

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
  readonly isSafe: boolean;
}

const STORE_SETUPS: readonly StoreSetup[] = [
  { name: "Postgres, fsync on", store: "postgres", isSafe: true },
  { name: "Postgres, fsync off", store: "postgres", isSafe: false },
  { name: "Redis", store: "redis", isSafe: false },
];

/** Rates of one round, a second. */
interface Round {
  readonly bare: number;
  readonly ours: ReadonlyMap<number, number>;
}

/**
 * Measures durable publishes a second through the backplane of one isolate, in one room and in a
 * hundred.
 */
export async function benchDurable(context: CaseContext): Promise<Measured[]> {
  const figures: Measured[] = [];
  for (const setup of STORE_SETUPS) {
    const rounds: Round[] = [];
    for (let round = 1; round <= context.rounds; round++) {
      const measured = await measureRound(context, setup);
      rounds.push(measured);
      const rates = [...measured.ours].map(([rooms, rate]) => `${rate.toFixed(0)} in ${rooms}`);
      context.progress(
        `${setup.name}, round ${round}: ${rates.join(", ")}; bare ${measured.bare.toFixed(0)}`,
      );
    }
    figures.push(...ROOMS.map((rooms) => ({
      figure: `${setup.name}, ${rooms === 1 ? "one room" : `${rooms} rooms`}`,
      unit: "a second",
      ours: rounds.map(({ ours }) => ours.get(rooms) ?? 0),
      peerName: setup.store === "postgres" ? "single-row inserts" : "Redis PUBLISH",
      peer: rounds.map(({ bare }) => bare),
      atLeast: setup.store === "postgres" ? TARGET : undefined,
    })));
  }
  return figures;
}

/** Measures the peer before and after ours, so that noise affects both. */
async function measureRound(context: CaseContext, { store, isSafe }: StoreSetup): Promise<Round> {
  await using running = await startStore(store, isSafe);
  await using worker = await startStoreWorker(context);
  const { url } = running;
  const bareJob = store === "postgres"
    ? { count: SINGLE_INSERTS, inFlight: 1 }
    : { count: PUBLISHES, inFlight: IN_FLIGHT };
  const measureBare = () => askRate(worker, { store, url, side: "bare", rooms: 1, ...bareJob });
  const before = await measureBare();
  const ours = new Map<number, number>();
  for (const rooms of ROOMS) {
    const job = { side: "backplane", count: PUBLISHES, inFlight: IN_FLIGHT } as const;
    ours.set(rooms, await askRate(worker, { store, url, rooms, ...job }));
  }
  return { bare: (before + await measureBare()) / 2, ours };
}
