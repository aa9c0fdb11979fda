import { CpuClock } from "../harness/cpu_clock.ts";
import { type PreparedProgram, type RunningServer, startServer } from "../harness/program.ts";
import { issueTokens, type TokenIssuer } from "../harness/tokens.ts";
import { WorkerProcess } from "../harness/worker_process.ts";
import type { VerifyJob } from "../peers/verify_es256.ts";
import { ask, type Cost, echoUrl, measureCost, sumCosts } from "./load_process.ts";

/** What a round measures: our connect with a new token and with the same again, a raw one, a verification alone. */
export const CONNECT_SIDES = ["fresh", "raw", "repeated", "verify"] as const;
export type ConnectSide = (typeof CONNECT_SIDES)[number];

/** The sides take turns, forwards and backwards, so that noise hits all of them. */
const TURNS = 6;
const WARM_UP_TURNS = 3;
const CONNECTS_PER_TURN = 500;
/** Connects, or verifications, in the works at once. */
const CONCURRENCY = 20;

/** Connects, or verifications, behind each cost of a round. */
export const CONNECTS_PER_ROUND = TURNS * CONNECTS_PER_TURN;

/** The programs of a round and what drives them. */
export interface ConnectSetup {
  readonly programs: Record<"ours" | "raw" | "verify", PreparedProgram>;
  readonly load: WorkerProcess;
  readonly issuer: TokenIssuer;
}

/** One round with new processes, warmed up: what each side's connects (or verifications) cost together. */
export async function measureConnectRound(setup: ConnectSetup): Promise<Record<ConnectSide, Cost>> {
  const { programs, load, issuer } = setup;
  await using ours = await startServer(programs.ours);
  await using raw = await startServer(programs.raw);
  await using verifier = await WorkerProcess.start(programs.verify.command);
  const ourClock = new CpuClock(ours.pid);
  const rawClock = new CpuClock(raw.pid);
  const verifierClock = new CpuClock(verifier.pid);
  const known = await issuer.issue();
  const again = Array.from({ length: CONNECTS_PER_TURN }, () => known);
  const sides: Record<ConnectSide, (tokens: readonly string[]) => Promise<Cost>> = {
    fresh: (tokens) => measureConnects(load, ours, ourClock, tokens),
    raw: (tokens) => measureConnects(load, raw, rawClock, tokens),
    repeated: () => measureConnects(load, ours, ourClock, again),
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

/** Opens a socket with each token and holds them all; closing them is not measured. */
async function measureConnects(
  load: WorkerProcess,
  server: RunningServer,
  clock: CpuClock,
  tokens: readonly string[],
): Promise<Cost> {
  const urls = tokens.map((token) => echoUrl(server, token));
  const job = { type: "open", group: "connect", concurrency: CONCURRENCY, urls, dialect: "relay" } as const;
  const cost = await measureCost(clock, () => ask(load, job));
  await ask(load, { type: "close", group: "connect" });
  return cost;
}
