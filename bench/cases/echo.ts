import { CpuClock } from "../harness/cpu_clock.ts";
import { type PreparedProgram, startServer } from "../harness/program.ts";
import { issueTokens } from "../harness/tokens.ts";
import type { WorkerProcess } from "../harness/worker_process.ts";
import { type Line, toLine } from "../report.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { ask, coresUsed, type Cost, echoUrl, measureCost, startLoad, sumCosts } from "./load_process.ts";

const SOCKETS = 100;
/** A round is ours, raw, raw, ours, …: noise longer than such a slice of half a second hits both. */
const SLICES = ["ours", "raw", "raw", "ours", "ours", "raw", "raw", "ours"] as const;
const SLICES_PER_SIDE = SLICES.length / 2;
const MESSAGES_PER_SLICE = 300;
const WARM_UP_MESSAGES = 300;
const TARGET = 1.10;

type Side = (typeof SLICES)[number];
type Round = Record<Side, Cost>;

/** Processor time for one message in and its echo out: 100 authenticated sockets, one message in flight on each. */
export async function benchEcho(context: CaseContext): Promise<Line[]> {
  const programs = {
    ours: await context.prepare(context.ours),
    raw: await context.prepare(benchProgram("raw", "peers/raw_echo.ts")),
  };
  const tokens = await issueTokens(context.issuer, SOCKETS);
  await using load = await startLoad();
  const rounds: Round[] = [];
  for (let round = 1; round <= context.rounds; round++) {
    const costs = await measureRound(programs, load, tokens);
    rounds.push(costs);
    context.progress(
      `round ${round}: ours ${perMessage(costs.ours).toFixed(2)}, raw ${perMessage(costs.raw).toFixed(2)} µs`,
    );
  }
  return [toLine({
    case: "echo",
    deno: context.deno.version,
    figure: "server CPU per message",
    unit: "µs",
    ours: rounds.map(({ ours }) => perMessage(ours)),
    peerName: "raw Deno",
    peer: rounds.map(({ raw }) => perMessage(raw)),
    target: TARGET,
    details: {
      "ours: cores used": rounds.map(({ ours }) => coresUsed(ours)),
      "raw: cores used": rounds.map(({ raw }) => coresUsed(raw)),
    },
  })];
}

/** One round with new servers: how V8 happens to optimize makes one process differ from the next for all its life. */
async function measureRound(
  programs: Record<Side, PreparedProgram>,
  load: WorkerProcess,
  tokens: readonly string[],
): Promise<Round> {
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
