import type { BackplaneName } from "../../support/backplane_store.ts";
import { summarizeDurations } from "../../support/durations.ts";
import { join } from "../harness/join.ts";
import { type PreparedProgram, startServer } from "../harness/program.ts";
import { inPasses, ourSide } from "../harness/sides.ts";
import { DIALECTS, MESSAGE_MARKER } from "../load/dialect.ts";
import type { Measured } from "../report/line.ts";
import { startStore } from "../stores/running_store.ts";
import { DATA, openBareClient } from "../stores/writers.ts";
import { type CaseContext, isOwnDeno, issueTokens } from "./context.ts";

const TARGET = 2;
const WARM_UPS = 200;
const ROUND_TRIPS_PER_PASS = 150;
const PASSES = 2;
/** Name of the peer and variable of the function, by store. */
const STORES = {
  redis: { peer: "PUBLISH → SUBSCRIBE", variable: "REDIS_URL" },
  postgres: { peer: "insert + NOTIFY → LISTEN", variable: "SUPABASE_DB_URL" },
} as const;

/** Durations in milliseconds: of two function processes, and of the store's client alone. */
interface Round {
  readonly sockets: number[];
  readonly bare: number[];
}

/**
 * Measures the time from a publish in one isolate to its delivery in another, one message at a
 * time.
 */
export async function benchDelivery(context: CaseContext): Promise<Measured[]> {
  if (!isOwnDeno(context)) return [];
  const figures: Measured[] = [];
  for (const store of ["redis", "postgres"] as const) {
    await using running = await startStore(store);
    const env = { ...context.ours.env, [STORES[store].variable]: running.url };
    const isolate = await context.prepare({ ...context.ours, name: `ours-${store}`, env });
    const rounds: Round[] = [];
    for (let round = 1; round <= context.rounds; round++) {
      const measured = await measureRound(context, { store, url: running.url, isolate });
      rounds.push(measured);
      const [ours, bare] = [measured.sockets, measured.bare].map((side) =>
        summarizeDurations(side).p50.toFixed(2)
      );
      context.progress(`${store}, round ${round}: ${ours} ms, bare ${bare} ms`);
    }
    for (const share of ["p50", "p99"] as const) {
      figures.push({
        figure: `${store}, ${share}, socket to socket over two isolates`,
        unit: "ms",
        ours: rounds.map(({ sockets }) => summarizeDurations(sockets)[share]),
        peerName: STORES[store].peer,
        peer: rounds.map(({ bare }) => summarizeDurations(bare)[share]),
        target: share === "p50" ? TARGET : undefined,
      });
    }
  }
  return figures;
}

async function measureRound(
  context: CaseContext,
  { store, url, isolate }: {
    readonly store: BackplaneName;
    readonly url: string;
    readonly isolate: PreparedProgram;
  },
): Promise<Round> {
  await using first = await startServer(isolate);
  await using second = await startServer(isolate);
  /** Resolves when the message under way has been delivered. */
  let arrival = Promise.withResolvers<void>();
  const deliver = (): void => arrival.resolve();
  await using client = await openBareClient(store, url, deliver);
  const [here = "", there = ""] = await issueTokens(context.issuer, 2);
  const ours = await ourSide(context, "rooms.v1");
  const room = "delivery";
  const publisher = await join(ours.url(first.port, { token: here, room }), "rooms.v1");
  await join(ours.url(second.port, { token: there, room }), "rooms.v1", (text) => {
    if (text.includes(MESSAGE_MARKER)) deliver();
  });
  const publishes = {
    bare: client.write,
    sockets: () => publisher.send(DIALECTS["rooms.v1"].publish(crypto.randomUUID(), DATA)),
  };
  const measure = async (publish: () => unknown, count: number): Promise<number[]> => {
    const taken: number[] = [];
    while (taken.length < count) {
      arrival = Promise.withResolvers();
      const startedAt = performance.now();
      await Promise.all([publish(), arrival.promise]);
      taken.push(performance.now() - startedAt);
    }
    return taken;
  };
  const sides = ["sockets", "bare"] as const;
  for (const side of sides) await measure(publishes[side], WARM_UPS);
  const round: Round = { sockets: [], bare: [] };
  for (const side of inPasses(sides, PASSES)) {
    round[side].push(...await measure(publishes[side], ROUND_TRIPS_PER_PASS));
  }
  return round;
}
