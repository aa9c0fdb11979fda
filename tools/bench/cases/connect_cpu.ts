import { issueTokens } from "../harness/tokens.ts";
import { type Line, toLine } from "../report.ts";
import { type ConnectPeer, measureConnectPeers, prepareConnectPeers } from "./connect_peers.ts";
import {
  CONNECT_SIDES,
  CONNECTS_PER_ROUND,
  type ConnectSetup,
  type ConnectSide,
  measureConnectRound,
} from "./connect_round.ts";
import { CONNECTS_PER_TURN } from "./connect_sockets.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { coresUsed, type Cost, startLoad } from "./measured_load.ts";
import { figuresOf, type PeerFigures } from "./peers.ts";

const FRESH_TARGET = 1.25;
const REPEATED_TARGET = 1.6;

const FIGURES = {
  fresh: "server CPU per connect, new token",
  repeated: "server CPU per connect, same token",
} as const;

interface Round extends Record<ConnectSide, Cost> {
  /** Microseconds per connect. */
  readonly peerFigures: PeerFigures;
}

/**
 * Measures the processor time of a connect that stays open, with a new token and with a known one.
 */
export async function benchConnect(context: CaseContext): Promise<Line[]> {
  const verifyEnv = { SUPABASE_JWKS: context.issuer.jwks };
  const programs = {
    ours: await context.prepare(context.ours),
    raw: await context.prepare(benchProgram("raw", "peers/raw_echo.ts")),
    verify: await context.prepare(benchProgram("verify", "peers/verify_es256.ts", verifyEnv)),
  };
  const peers = await prepareConnectPeers(context);
  const tokens = await issueTokens(context.issuer, CONNECTS_PER_TURN);
  await using load = await startLoad();
  const setup: ConnectSetup = { programs, load, issuer: context.issuer };
  const rounds: Round[] = [];
  for (let round = 1; round <= context.rounds; round++) {
    const costs = await measureConnectRound(setup);
    const peerFigures = await measureConnectPeers(round % 2 === 0 ? peers.toReversed() : peers, load, tokens);
    rounds.push({ ...costs, peerFigures });
    const texts = [...CONNECT_SIDES.map((side) => [side, each(costs[side])] as const), ...peerFigures];
    context.progress(
      `round ${round}: ${texts.map(([name, micros]) => `${name} ${micros.toFixed(0)}`).join(", ")} µs`,
    );
  }
  return [
    ...linesOf(rounds, context.deno.version),
    ...peers.map((peer) => informationalLine(peer, rounds, context.deno.version)),
  ];
}

function linesOf(rounds: readonly Round[], deno: string): Line[] {
  const figure = (side: ConnectSide): number[] => rounds.map((costs) => each(costs[side]));
  const cores = (side: ConnectSide): number[] => rounds.map((costs) => coresUsed(costs[side]));
  const common = { case: "connect", deno, unit: "µs" };
  return [
    toLine({
      ...common,
      figure: FIGURES.fresh,
      ours: figure("fresh"),
      peerName: "raw Deno + 1 verification",
      peer: rounds.map(({ raw, verify }) => each(raw) + each(verify)),
      target: FRESH_TARGET,
      details: { "ours: cores used": cores("fresh"), "verification: cores used": cores("verify") },
    }),
    toLine({
      ...common,
      figure: FIGURES.repeated,
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

function informationalLine({ label, beside }: ConnectPeer, rounds: readonly Round[], deno: string): Line {
  return toLine({
    case: "connect",
    deno,
    figure: FIGURES[beside],
    unit: "µs",
    ours: rounds.map((costs) => each(costs[beside])),
    peerName: label,
    peer: figuresOf(rounds, label),
  });
}

function each({ cpuMicros }: Cost): number {
  return cpuMicros / CONNECTS_PER_ROUND;
}
