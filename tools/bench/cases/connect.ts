import { type Cost, measureCost, RoundCosts } from "../harness/cost.ts";
import { Load } from "../harness/load.ts";
import {
  inPasses,
  lowerBoundSide,
  otherSides,
  OURS,
  ourSide,
  RAW,
  rawSide,
  type RunningSide,
  type Side,
  startSides,
} from "../harness/sides.ts";
import { issueTokens, type TokenIssuer } from "../harness/tokens.ts";
import { type Line, toLine } from "../report/line.ts";
import { usageDetails } from "../report/usage.ts";
import type { CaseContext } from "./context.ts";

/** Connects of a slice. They stay open until the last one is done. */
const CONNECTS_PER_SLICE = 500;
const CONCURRENCY = 20;
const WARM_UPS = 3;
const PASSES = 6;
const CONNECTS = PASSES * CONNECTS_PER_SLICE;
const NEW_TARGET = 1.10;
const KNOWN_TARGET = 1.6;

/** Labels of costs by the kind of token. */
const newToken = (label: string): string => `${label}, new token`;
const knownToken = (label: string): string => `${label}, known token`;

/**
 * Measures the processor time of a connect that stays open, with a new token and with a known one.
 */
export async function benchConnect(context: CaseContext): Promise<Line[]> {
  const ours = await ourSide(context, "relay");
  const verifying = await lowerBoundSide(context, "verifying");
  const checkNothing = [await rawSide(context, "echo"), ...await otherSides(context, "echo")];
  await using load = await Load.start();
  const rounds: RoundCosts[] = [];
  for (let round = 1; round <= context.rounds; round++) {
    const costs = await measureRound([ours, verifying], [ours, ...checkNothing], load, context.issuer);
    rounds.push(costs);
    context.progress(`round ${round}: ${costs.text(CONNECTS)}`);
  }
  const line = (kind: typeof newToken, peerName: string, target?: number): Line => {
    const costsOf = (label: string): Cost[] => rounds.map((costs) => costs.of(kind(label)));
    const figures = (label: string): number[] => costsOf(label).map(({ cpuMicros }) => cpuMicros / CONNECTS);
    return toLine({
      case: "connect",
      deno: context.deno.version,
      figure: `server CPU per connect${kind("")}`,
      unit: "µs",
      ours: figures(OURS),
      peerName,
      peer: figures(peerName),
      target,
      details: { ...usageDetails("ours", costsOf(OURS)), ...usageDetails("peer", costsOf(peerName)) },
    });
  };
  return [
    line(newToken, verifying.label, NEW_TARGET),
    ...checkNothing.map(({ label }) => line(knownToken, label, label === RAW ? KNOWN_TARGET : undefined)),
  ];
}

/** Measures one round with new processes, after a warm-up. */
async function measureRound(
  withNew: readonly Side[],
  withKnown: readonly Side[],
  load: Load,
  issuer: TokenIssuer,
): Promise<RoundCosts> {
  await using stack = new AsyncDisposableStack();
  const running = await startSides(stack, [...new Set([...withNew, ...withKnown])]);
  const known = await issuer.issue();
  const again = Array.from({ length: CONNECTS_PER_SLICE }, () => known);
  const measured = (sides: readonly Side[]): RunningSide[] =>
    running.filter(({ label }) => sides.some((side) => side.label === label));
  const slices = [
    ...measured(withNew).map((side) => ({
      label: newToken(side.label),
      run: async () => measureConnects(load, side, await issueTokens(issuer, CONNECTS_PER_SLICE)),
    })),
    ...measured(withKnown).map((side) => ({
      label: knownToken(side.label),
      run: () => measureConnects(load, side, again),
    })),
  ];
  for (const { run } of inPasses(slices, WARM_UPS)) await run();
  const costs = new RoundCosts();
  for (const { label, run } of inPasses(slices, PASSES)) costs.add(label, await run());
  return costs;
}

/** Opens a socket for each token and keeps all open; the measurement excludes closing them. */
async function measureConnects(
  load: Load,
  { label: group, dialect, url, server, clock }: RunningSide,
  tokens: readonly string[],
): Promise<Cost> {
  const urls = tokens.map((token) => url(server.port, { token }));
  const connect = () => load.open({ group, concurrency: CONCURRENCY, urls, dialect });
  const cost = await measureCost(clock, load, connect);
  await load.close(group);
  return cost;
}
