import { measureCost, RoundCosts } from "../harness/cost.ts";
import { Load } from "../harness/load.ts";
import {
  inPasses,
  otherSides,
  OURS,
  ourSide,
  RAW,
  rawSide,
  type Side,
  startSides,
} from "../harness/sides.ts";
import { issueTokens } from "../harness/tokens.ts";
import { type Line, toLine } from "../report/line.ts";
import { usageDetails } from "../report/usage.ts";
import type { CaseContext } from "./context.ts";

const SOCKETS = 100;
const CONCURRENCY = 10;
/** Slices of a round. Noise that lasts longer than a slice of half a second affects all sides. */
const PASSES = 4;
const MESSAGES_PER_SLICE = 300;
const MESSAGES = SOCKETS * MESSAGES_PER_SLICE * PASSES;
const TARGET = 1.10;

/**
 * Measures the processor time of one message and its echo: 100 authenticated sockets, each with one
 * message in flight.
 */
export async function benchEcho(context: CaseContext): Promise<Line[]> {
  const ours = await ourSide(context, "relay");
  const sides = [ours, await rawSide(context, "echo"), ...await otherSides(context, "echo")];
  const tokens = await issueTokens(context.issuer, SOCKETS);
  await using load = await Load.start();
  const rounds: RoundCosts[] = [];
  for (let round = 1; round <= context.rounds; round++) {
    const costs = await measureRound(sides, load, tokens);
    rounds.push(costs);
    context.progress(`round ${round}: ${costs.text(MESSAGES)}`);
  }
  const figures = (label: string): number[] => rounds.map((costs) => costs.of(label).cpuMicros / MESSAGES);
  return sides.filter((side) => side !== ours).map(({ label }) =>
    toLine({
      case: "echo",
      deno: context.deno.version,
      figure: "server CPU per message",
      unit: "µs",
      ours: figures(OURS),
      peerName: label,
      peer: figures(label),
      target: label === RAW ? TARGET : undefined,
      details: {
        ...usageDetails("ours", rounds.map((costs) => costs.of(OURS))),
        ...usageDetails("peer", rounds.map((costs) => costs.of(label))),
      },
    })
  );
}

/** Measures one round with new servers, because V8 optimises every process differently. */
async function measureRound(
  sides: readonly Side[],
  load: Load,
  tokens: readonly string[],
): Promise<RoundCosts> {
  await using stack = new AsyncDisposableStack();
  const running = await startSides(stack, sides);
  for (const { label: group, dialect, url, server } of running) {
    const urls = tokens.map((token) => url(server.port, { token }));
    await load.open({ group, concurrency: CONCURRENCY, urls, dialect });
    await load.echo({ group, messagesPerSocket: MESSAGES_PER_SLICE }); // warms up
  }
  const costs = new RoundCosts();
  for (const { label: group, clock } of inPasses(running, PASSES)) {
    const echo = () => load.echo({ group, messagesPerSocket: MESSAGES_PER_SLICE });
    costs.add(group, await measureCost(clock, load, echo));
  }
  for (const { label } of running) await load.close(label);
  return costs;
}
