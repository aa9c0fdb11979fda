import { CpuClock } from "../../support/processes/cpu_clock.ts";
import { type PreparedProgram, startServer } from "../harness/program.ts";
import { issueTokens } from "../harness/tokens.ts";
import type { JobProcess } from "../../support/processes/job_process.ts";
import { type Line, toLine } from "../report.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { measureEchoPeers } from "./echo_peers.ts";
import { ask, coresUsed, type Cost, echoUrl, measureCost, startLoad, sumCosts } from "./measured_load.ts";
import {
  figuresOf,
  type Peer,
  type PeerFigures,
  prepareInformationalPeers,
  prepareOtherRaw,
} from "./peers.ts";

const SOCKETS = 100;
/** Order of a round. Noise that lasts longer than a slice of half a second affects both sides. */
const SLICES = ["ours", "raw", "raw", "ours", "ours", "raw", "raw", "ours"] as const;
const SLICES_PER_SIDE = SLICES.length / 2;
const MESSAGES_PER_SLICE = 300;
const WARM_UP_MESSAGES = 300;
const TARGET = 1.10;

type Side = (typeof SLICES)[number];
interface Round extends Record<Side, Cost> {
  /** Microseconds per message. */
  readonly peerFigures: PeerFigures;
}

/**
 * Measures the processor time of one message and its echo: 100 authenticated sockets, each with one
 * message in flight.
 */
export async function benchEcho(context: CaseContext): Promise<Line[]> {
  const programs = {
    ours: await context.prepare(context.ours),
    raw: await context.prepare(benchProgram("raw", "peers/raw_echo.ts")),
  };
  const peers = [
    ...await prepareOtherRaw(context),
    ...await prepareInformationalPeers(context, "echo", ["hono", "ws", "socketIo", "bun"]),
  ];
  const tokens = await issueTokens(context.issuer, SOCKETS);
  await using load = await startLoad();
  const rounds: Round[] = [];
  for (let round = 1; round <= context.rounds; round++) {
    const costs = await measureRound(programs, load, tokens);
    const peerFigures = await measureEchoPeers(round % 2 === 0 ? peers.toReversed() : peers, load, tokens);
    rounds.push({ ...costs, peerFigures });
    const texts = [["ours", perMessage(costs.ours)], ["raw", perMessage(costs.raw)], ...peerFigures] as const;
    context.progress(
      `round ${round}: ${texts.map(([name, micros]) => `${name} ${micros.toFixed(2)}`).join(", ")} µs`,
    );
  }
  return linesOf(rounds, peers, context.deno.version);
}

function linesOf(rounds: readonly Round[], peers: readonly Peer[], deno: string): Line[] {
  const ours = rounds.map((round) => perMessage(round.ours));
  const common = { case: "echo", deno, figure: "server CPU per message", unit: "µs", ours };
  const target = toLine({
    ...common,
    peerName: "raw Deno",
    peer: rounds.map(({ raw }) => perMessage(raw)),
    target: TARGET,
    details: {
      "ours: cores used": rounds.map((round) => coresUsed(round.ours)),
      "raw: cores used": rounds.map(({ raw }) => coresUsed(raw)),
    },
  });
  const informational = peers.map(({ label }) =>
    toLine({ ...common, peerName: label, peer: figuresOf(rounds, label) })
  );
  return [target, ...informational];
}

/** Measures one round with new servers, because V8 optimises every process differently. */
async function measureRound(
  programs: Record<Side, PreparedProgram>,
  load: JobProcess,
  tokens: readonly string[],
): Promise<Record<Side, Cost>> {
  await using ours = await startServer(programs.ours);
  await using raw = await startServer(programs.raw);
  const clocks = { ours: new CpuClock(ours.pid), raw: new CpuClock(raw.pid) };
  for (const [group, server] of [["ours", ours], ["raw", raw]] as const) {
    const urls = tokens.map((token) => echoUrl(server, token));
    await ask(load, { type: "open", group, concurrency: 10, urls, dialect: "relay" });
    await ask(load, { type: "echo", group, messagesPerSocket: WARM_UP_MESSAGES });
  }
  const slices: Record<Side, Cost[]> = { ours: [], raw: [] };
  for (const group of SLICES) {
    const job = { type: "echo", group, messagesPerSocket: MESSAGES_PER_SLICE } as const;
    slices[group].push(await measureCost(clocks[group], () => ask(load, job)));
  }
  for (const group of ["ours", "raw"]) await ask(load, { type: "close", group });
  return { ours: sumCosts(slices.ours), raw: sumCosts(slices.raw) };
}

function perMessage({ cpuMicros }: Cost): number {
  return cpuMicros / (SOCKETS * MESSAGES_PER_SLICE * SLICES_PER_SIDE);
}
