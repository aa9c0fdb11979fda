import { summarizeDurations } from "../../support/durations.ts";
import { type PreparedProgram, startServer } from "../harness/program.ts";
import { inPasses, ourSide } from "../harness/sides.ts";
import type { Measured } from "../report/line.ts";
import { LATENCY_SIDES, type LatencySide, type StoreJobOf, type StoreName } from "../stores/job.ts";
import { type CaseContext, issueTokens } from "./context.ts";
import { askLatencies, type RunningStore, startStore, startStoreWorker } from "./stores.ts";

const TARGET = 2;
const WARM_UPS = 200;
const ROUND_TRIPS_PER_PASS = 150;
const PASSES = 2;
/** Name of the peer and variable of the function, by store. */
const STORES = {
  redis: { peer: "PUBLISH → SUBSCRIBE", variable: "REDIS_URL" },
  postgres: { peer: "insert + NOTIFY → LISTEN", variable: "SUPABASE_DB_URL" },
} as const;

type Round = Record<LatencySide, number[]>;

/**
 * Measures the time from a publish in one isolate to its delivery in another, one message at a
 * time.
 */
export async function benchDelivery(context: CaseContext): Promise<Measured[]> {
  const figures: Measured[] = [];
  for (const store of ["redis", "postgres"] as const) {
    await using running = await startStore(store);
    const env = { ...context.ours.env, [STORES[store].variable]: running.url };
    const isolate = await context.prepare({ ...context.ours, name: `ours-${store}`, env });
    const rounds: Round[] = [];
    for (let round = 1; round <= context.rounds; round++) {
      const measured = await measureRound(context, { store, running, isolate });
      rounds.push(measured);
      const texts = LATENCY_SIDES.map((side) =>
        `${side} ${summarizeDurations(measured[side]).p50.toFixed(2)}`
      );
      context.progress(`${store}, round ${round}: ${texts.join(", ")} ms`);
    }
    figures.push(...figuresOf(store, rounds));
  }
  return figures;
}

async function measureRound(
  context: CaseContext,
  { store, running, isolate }: {
    readonly store: StoreName;
    readonly running: RunningStore;
    readonly isolate: PreparedProgram;
  },
): Promise<Round> {
  await using first = await startServer(isolate);
  await using second = await startServer(isolate);
  await using worker = await startStoreWorker(context);
  const [here = "", there = ""] = await issueTokens(context.issuer, 2);
  const { url } = await ourSide(context, "rooms.v1");
  const room = "delivery";
  const rooms = [url(first.port, { token: here, room }), url(second.port, { token: there, room })] as const;
  const connect: StoreJobOf<"connect"> = { type: "connect", store, url: running.url, rooms };
  await worker.ask(connect);
  for (const side of LATENCY_SIDES) await askLatencies(worker, { side, count: WARM_UPS });
  const round: Round = { sockets: [], bare: [], backplanes: [] };
  for (const side of inPasses(LATENCY_SIDES, PASSES)) {
    round[side].push(...await askLatencies(worker, { side, count: ROUND_TRIPS_PER_PASS }));
  }
  return round;
}

function figuresOf(store: StoreName, rounds: readonly Round[]): Measured[] {
  return (["p50", "p99"] as const).flatMap((share) => {
    const of = (side: LatencySide) => rounds.map((round) => summarizeDurations(round[side])[share]);
    const figure = (name: string, side: LatencySide, target?: number): Measured => ({
      figure: `${store}, ${share}, ${name}`,
      unit: "ms",
      ours: of(side),
      peerName: STORES[store].peer,
      peer: of("bare"),
      target,
    });
    return [
      figure("socket to socket over two isolates", "sockets", share === "p50" ? TARGET : undefined),
      figure("backplanes alone", "backplanes"),
    ];
  });
}
