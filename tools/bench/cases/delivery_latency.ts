import { type PreparedProgram, startServer } from "../harness/program.ts";
import { issueTokens } from "../harness/tokens.ts";
import type { JobProcess } from "../../support/processes/job_process.ts";
import { type Line, type Measured, toLine } from "../report.ts";
import { quantile } from "../statistics.ts";
import type { LatencySide, StoreName } from "../stores/store_job.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { roomUrl } from "./measured_load.ts";
import {
  askLatencies,
  prepareStoreWorker,
  type RunningStore,
  startPostgres,
  startRedis,
  startStoreWorker,
} from "./stores.ts";

const TARGET = 2;
const WARM_UPS = 200;
const ROUND_TRIPS_PER_TURN = 150;
/** Order of measurement; each side has the same mean position. */
const TURNS = [
  "sockets",
  "bare",
  "backplanes",
  "relays",
  "relays",
  "backplanes",
  "bare",
  "sockets",
] as const;
const SIDES = ["sockets", "bare", "backplanes", "relays"] as const;
const PEERS: Record<StoreName, string> = {
  postgres: "insert + NOTIFY → LISTEN",
  redis: "PUBLISH → SUBSCRIBE",
};

type Round = Record<LatencySide, readonly number[]>;

/**
 * Measures the time from a publish in one isolate to its delivery in another, one message at a
 * time.
 */
export async function benchDelivery(context: CaseContext): Promise<Line[]> {
  const lines: Line[] = [];
  for (const store of ["redis", "postgres"] as const) {
    await using running = store === "redis" ? await startRedis() : await startPostgres({ isSafe: false });
    lines.push(...await measureStore(context, store, running));
  }
  return lines;
}

async function measureStore(context: CaseContext, store: StoreName, { url }: RunningStore): Promise<Line[]> {
  const variable = store === "redis" ? "REDIS_URL" : "SUPABASE_DB_URL";
  const { ours } = context;
  const isolate = await context.prepare({
    ...ours,
    name: `ours-${store}`,
    env: { ...ours.env, [variable]: url },
  });
  // The relay is informational.
  const relay = context.peers === "all"
    ? await context.prepare(benchProgram(`relay-${store}`, "peers/raw_relay.ts", { [variable]: url }))
    : undefined;
  const worker = await prepareStoreWorker(context);
  const rounds: Round[] = [];
  for (let round = 1; round <= context.rounds; round++) {
    const measured = await measureRound(context, { store, url, isolate, relay, worker });
    rounds.push(measured);
    const medians = SIDES.filter((side) => measured[side].length > 0).map((side) =>
      `${side} ${quantile(measured[side], 0.5).toFixed(2)}`
    );
    context.progress(`${store}, round ${round}: ${medians.join(", ")} ms`);
  }
  return [...linesOf(context, store, rounds, 0.5), ...linesOf(context, store, rounds, 0.99)];
}

/** Programs of a round. */
interface Delivery {
  readonly store: StoreName;
  readonly url: string;
  readonly isolate: PreparedProgram;
  readonly relay: PreparedProgram | undefined;
  readonly worker: PreparedProgram;
}

async function measureRound(context: CaseContext, delivery: Delivery): Promise<Round> {
  const { store, url, isolate, relay } = delivery;
  await using first = await startServer(isolate);
  await using second = await startServer(isolate);
  await using firstRelay = relay && await startServer(relay);
  await using secondRelay = relay && await startServer(relay);
  await using worker: JobProcess = await startStoreWorker(delivery.worker);
  const [here = "", there = ""] = await issueTokens(context.issuer, 2);
  const rooms = [roomUrl(first, "delivery", here), roomUrl(second, "delivery", there)];
  const relays = firstRelay && secondRelay &&
    [roomUrl(firstRelay, "delivery", here), roomUrl(secondRelay, "delivery", there)];
  await worker.ask({ type: "connect", store, url, rooms, relays });
  const isMeasured = (side: LatencySide) => side !== "relays" || relays !== undefined;
  for (const side of SIDES.filter(isMeasured)) await askLatencies(worker, side, WARM_UPS);
  const round: Record<LatencySide, number[]> = { sockets: [], bare: [], backplanes: [], relays: [] };
  for (const side of TURNS.filter(isMeasured)) {
    round[side].push(...await askLatencies(worker, side, ROUND_TRIPS_PER_TURN));
  }
  return round;
}

function linesOf(context: CaseContext, store: StoreName, rounds: readonly Round[], share: number): Line[] {
  const of = (side: LatencySide) => rounds.map((round) => quantile(round[side], share));
  const name = share === 0.5 ? "p50" : "p99";
  const sockets = { figure: `${store}, ${name}, socket to socket over two isolates`, ours: of("sockets") };
  const common: Omit<Measured, "figure" | "ours"> = {
    case: "delivery",
    deno: context.deno.version,
    unit: "ms",
    peerName: PEERS[store],
    peer: of("bare"),
  };
  return [
    toLine({
      ...common,
      ...sockets,
      ...(share === 0.5 ? { target: TARGET } : {}),
    }),
    toLine({ ...common, figure: `${store}, ${name}, backplanes alone`, ours: of("backplanes") }),
    ...(context.peers === "all"
      ? [toLine({
        ...common,
        ...sockets,
        peerName: `two raw relays over ${PEERS[store]}`,
        peer: of("relays"),
      })]
      : []),
  ];
}
