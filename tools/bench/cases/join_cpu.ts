import { CpuClock } from "../../support/processes/cpu_clock.ts";
import { type PreparedProgram, startServer } from "../harness/program.ts";
import { issueTokens } from "../harness/tokens.ts";
import type { JobProcess } from "../../support/processes/job_process.ts";
import type { DialectName } from "../load/dialect.ts";
import { type Line, toLine } from "../report.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { ask, coresUsed, type Cost, measureCost, roomUrl, startLoad, sumCosts } from "./measured_load.ts";

const ROOM_SIZE = 100;
/** Fewer than AUTH_CACHE_ENTRIES, so that each token stays cached. */
const JOINS_PER_TURN = 500;
/** Order of a round, after a warm-up. */
const TURNS = ["ours", "raw", "raw", "ours", "ours", "raw", "raw", "ours"] as const;
const WARM_UPS = ["ours", "raw", "ours", "raw"] as const;
const JOINS_PER_ROUND = JOINS_PER_TURN * TURNS.length / 2;
const CONCURRENCY = 20;

type Side = (typeof TURNS)[number];
type Round = Record<Side, Cost>;

const DIALECTS: Record<Side, DialectName> = { ours: "rooms.v1", raw: "relay" };

/**
 * Measures the processor time from the connect to the presence list with a known token, in rooms of
 * 100; the sockets stay open.
 */
export async function benchJoin(context: CaseContext): Promise<Line[]> {
  const programs = {
    ours: await context.prepare(context.ours),
    raw: await context.prepare(benchProgram("raw", "peers/raw_room.ts")),
  };
  const tokens = await issueTokens(context.issuer, JOINS_PER_TURN);
  await using load = await startLoad();
  const rounds: Round[] = [];
  for (let round = 1; round <= context.rounds; round++) {
    const costs = await measureRound(programs, load, tokens);
    rounds.push(costs);
    context.progress(
      `round ${round}: ours ${perJoin(costs.ours).toFixed(0)}, raw ${perJoin(costs.raw).toFixed(0)} µs`,
    );
  }
  return linesOf(rounds, context.deno.version);
}

async function measureRound(
  programs: Record<Side, PreparedProgram>,
  load: JobProcess,
  tokens: readonly string[],
): Promise<Round> {
  await using ours = await startServer(programs.ours);
  await using raw = await startServer(programs.raw);
  const servers = { ours, raw };
  const clocks = { ours: new CpuClock(ours.pid), raw: new CpuClock(raw.pid) };
  const measureTurn = async (side: Side): Promise<Cost> => {
    const urls = tokens.map((token, index) =>
      roomUrl(servers[side], `bench-${Math.floor(index / ROOM_SIZE)}`, token)
    );
    const job = { group: "join", concurrency: CONCURRENCY, urls, dialect: DIALECTS[side] };
    const cost = await measureCost(clocks[side], () => ask(load, { type: "open", ...job }));
    await ask(load, { type: "close", group: "join" });
    return cost;
  };
  for (const side of WARM_UPS) await measureTurn(side);
  const turns: Record<Side, Cost[]> = { ours: [], raw: [] };
  for (const side of TURNS) turns[side].push(await measureTurn(side));
  return { ours: sumCosts(turns.ours), raw: sumCosts(turns.raw) };
}

function linesOf(rounds: readonly Round[], deno: string): Line[] {
  const figures = (side: Side): number[] => rounds.map((costs) => perJoin(costs[side]));
  const perSecond = (side: Side): number[] => figures(side).map((micros) => 1_000_000 / micros);
  const common = { case: "join", deno, peerName: "raw connect" };
  return [
    toLine({
      ...common,
      figure: "server CPU per join, known token",
      unit: "µs",
      ours: figures("ours"),
      peer: figures("raw"),
      details: {
        "ours: cores used": rounds.map(({ ours }) => coresUsed(ours)),
        "raw: cores used": rounds.map(({ raw }) => coresUsed(raw)),
      },
    }),
    toLine({
      ...common,
      figure: "joins per second of CPU",
      unit: "1/s",
      ours: perSecond("ours"),
      peer: perSecond("raw"),
    }),
  ];
}

function perJoin({ cpuMicros }: Cost): number {
  return cpuMicros / JOINS_PER_ROUND;
}
