import { type Line, toLine } from "../report.ts";
import {
  CONNECT_SIDES,
  CONNECTS_PER_ROUND,
  type ConnectSetup,
  type ConnectSide,
  measureConnectRound,
} from "./connect_round.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { coresUsed, type Cost, startLoad } from "./load_process.ts";

const FRESH_TARGET = 1.25;
const REPEATED_TARGET = 1.6;

/** Processor time for one connect, held open: with a token never seen, and with the same token again. */
export async function benchConnect(context: CaseContext): Promise<Line[]> {
  const verifyEnv = { SUPABASE_JWKS: context.issuer.jwks };
  const programs = {
    ours: await context.prepare(context.ours),
    raw: await context.prepare(benchProgram("raw", "peers/raw_echo.ts")),
    verify: await context.prepare(benchProgram("verify", "peers/verify_es256.ts", verifyEnv)),
  };
  await using load = await startLoad();
  const setup: ConnectSetup = { programs, load, issuer: context.issuer };
  const rounds: Record<ConnectSide, Cost>[] = [];
  for (let round = 1; round <= context.rounds; round++) {
    const costs = await measureConnectRound(setup);
    rounds.push(costs);
    const text = CONNECT_SIDES.map((side) => `${side} ${each(costs[side]).toFixed(0)}`).join(", ");
    context.progress(`round ${round}: ${text} µs`);
  }
  return linesOf(rounds, context.deno.version);
}

function linesOf(rounds: readonly Record<ConnectSide, Cost>[], deno: string): Line[] {
  const figure = (side: ConnectSide): number[] => rounds.map((costs) => each(costs[side]));
  const cores = (side: ConnectSide): number[] => rounds.map((costs) => coresUsed(costs[side]));
  const common = { case: "connect", deno, unit: "µs" };
  return [
    toLine({
      ...common,
      figure: "server CPU per connect, new token",
      ours: figure("fresh"),
      peerName: "raw Deno + 1 verification",
      peer: rounds.map(({ raw, verify }) => each(raw) + each(verify)),
      target: FRESH_TARGET,
      details: { "ours: cores used": cores("fresh"), "verification: cores used": cores("verify") },
    }),
    toLine({
      ...common,
      figure: "server CPU per connect, same token",
      ours: figure("repeated"),
      peerName: "raw Deno",
      peer: figure("raw"),
      target: REPEATED_TARGET,
      details: { "ours: cores used": cores("repeated"), "raw: cores used": cores("raw") },
    }),
    toLine({
      ...common,
      figure: "CPU of one ES256 verification (jose)",
      ours: figure("verify"),
      peerName: "raw connect",
      peer: figure("raw"),
    }),
  ];
}

function each({ cpuMicros }: Cost): number {
  return cpuMicros / CONNECTS_PER_ROUND;
}
