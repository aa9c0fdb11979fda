import { CpuClock } from "../../support/processes/cpu_clock.ts";
import { type PreparedProgram, type RunningServer, startServer } from "../harness/program.ts";
import { issueTokens, type TokenIssuer } from "../harness/tokens.ts";
import { JobProcess } from "../../support/processes/job_process.ts";
import type { VerifyJob } from "../peers/verify_es256.ts";
import { CONCURRENCY, CONNECTS_PER_TURN, measureConnects } from "./connect_sockets.ts";
import { type Cost, echoUrl, measureCost, sumCosts } from "./measured_load.ts";

/**
 * Sides of a round: our connect with a new token and with a known one, a raw connect, a
 * verification alone.
 */
export const CONNECT_SIDES = ["fresh", "raw", "repeated", "verify"] as const;
export type ConnectSide = (typeof CONNECT_SIDES)[number];

/** Turns of each side, in alternating order, so that noise affects all sides. */
const TURNS = 6;
const WARM_UP_TURNS = 3;

/** Connects, or verifications, per cost of a round. */
export const CONNECTS_PER_ROUND = TURNS * CONNECTS_PER_TURN;

/** Input of a round. */
export interface ConnectSetup {
  readonly programs: Record<"ours" | "raw" | "verify", PreparedProgram>;
  readonly load: JobProcess;
  readonly issuer: TokenIssuer;
}

/**
 * Measures one round with new processes, after a warm-up: the total cost of each side's connects or
 * verifications.
 */
export async function measureConnectRound(setup: ConnectSetup): Promise<Record<ConnectSide, Cost>> {
  const { programs, load, issuer } = setup;
  await using ours = await startServer(programs.ours);
  await using raw = await startServer(programs.raw);
  await using verifier = await JobProcess.start(programs.verify.command, "The token verifier");
  const ourClock = new CpuClock(ours.pid);
  const rawClock = new CpuClock(raw.pid);
  const verifierClock = new CpuClock(verifier.pid);
  const known = await issuer.issue();
  const again = Array.from({ length: CONNECTS_PER_TURN }, () => known);
  const connect = (group: ConnectSide, server: RunningServer, clock: CpuClock, tokens: readonly string[]) =>
    measureConnects(load, clock, { group, urls: tokens.map((token) => echoUrl(server, token)) });
  const sides: Record<ConnectSide, (tokens: readonly string[]) => Promise<Cost>> = {
    fresh: (tokens) => connect("fresh", ours, ourClock, tokens),
    raw: (tokens) => connect("raw", raw, rawClock, tokens),
    repeated: () => connect("repeated", ours, ourClock, again),
    verify: (tokens) => {
      const job: VerifyJob = { tokens, concurrency: CONCURRENCY };
      return measureCost(verifierClock, () => verifier.ask(job));
    },
  };

  const costs: Record<ConnectSide, Cost[]> = { fresh: [], raw: [], repeated: [], verify: [] };
  for (let turn = -WARM_UP_TURNS; turn < TURNS; turn++) {
    const tokens = await issueTokens(issuer, CONNECTS_PER_TURN);
    for (const side of turn % 2 === 0 ? CONNECT_SIDES : CONNECT_SIDES.toReversed()) {
      const cost = await sides[side](tokens);
      if (turn >= 0) costs[side].push(cost);
    }
  }
  return {
    fresh: sumCosts(costs.fresh),
    raw: sumCosts(costs.raw),
    repeated: sumCosts(costs.repeated),
    verify: sumCosts(costs.verify),
  };
}
