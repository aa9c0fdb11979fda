import type { BackplaneName } from "../../support/backplane_store.ts";
import type { Measured } from "../report/line.ts";
import { startStore } from "../stores/running_store.ts";
import { openBackplane, openBareClient, publishOne } from "../stores/writers.ts";
import { type CaseContext, isOwnDeno } from "./context.ts";

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
  readonly store: BackplaneName;
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
  if (!isOwnDeno(context)) return [];
  const figures: Measured[] = [];
  for (const setup of STORE_SETUPS) {
    const rounds: Round[] = [];
    for (let round = 1; round <= context.rounds; round++) {
      const measured = await measureRound(setup);
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
async function measureRound({ store, isSafe }: StoreSetup): Promise<Round> {
  await using running = await startStore(store, isSafe);
  await using client = await openBareClient(store, running.url);
  const measureBare = () =>
    store === "postgres"
      ? rateOf(client.write, SINGLE_INSERTS, 1)
      : rateOf(client.write, PUBLISHES, IN_FLIGHT);
  const before = await measureBare();
  const ours = new Map<number, number>();
  for (const rooms of ROOMS) {
    const backplane = await openBackplane(store, running.url);
    const publish = (index: number) => publishOne(backplane, `room-${index % rooms}`);
    ours.set(rooms, await rateOf(publish, PUBLISHES, IN_FLIGHT));
    await backplane.close();
  }
  return { bare: (before + await measureBare()) / 2, ours };
}

/** Measures writes a second with `inFlight` on their way; the time ends at the last answer. */
async function rateOf(
  write: (index: number) => Promise<unknown>,
  count: number,
  inFlight: number,
): Promise<number> {
  const run = async (end: number): Promise<number> => {
    let next = 0;
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: inFlight }, async () => {
      while (next < end) await write(next++);
    }));
    return end / (performance.now() - startedAt) * 1_000;
  };
  await run(Math.ceil(count / 10)); // warms up
  return await run(count);
}
