import { Load } from "../harness/load.ts";
import { inPasses, otherSides, OURS, ourSide, RAW, rawSide, startSides } from "../harness/sides.ts";
import { measureCost, Tally } from "../harness/tally.ts";
import type { Measured } from "../report/line.ts";
import { type CaseContext, issueTokens } from "./context.ts";

const SOCKETS = 100;
const CONCURRENCY = 10;
/** Slices of a round. Noise that lasts longer than a slice of half a second affects all sides. */
const PASSES = 4;
const MESSAGES_PER_SLICE = 300;
const TARGET = 1.10;

/**
 * Measures the processor time of one message and its echo: 100 authenticated sockets, each with one
 * message in flight.
 */
export async function benchEcho(context: CaseContext): Promise<Measured[]> {
  const peers = [await rawSide(context, "echo"), ...await otherSides(context, "echo")];
  const sides = [await ourSide(context, "relay"), ...peers];
  const tokens = await issueTokens(context.issuer, SOCKETS);
  await using load = await Load.start();
  const tally = new Tally();
  for (let round = 1; round <= context.rounds; round++) {
    tally.startRound();
    // New servers, because V8 optimises every process differently.
    await using stack = new AsyncDisposableStack();
    const running = await startSides(stack, sides);
    const echo = async (group: string): Promise<number> => {
      await load.run({ type: "echo", group, messagesPerSocket: MESSAGES_PER_SLICE });
      return SOCKETS * MESSAGES_PER_SLICE;
    };
    for (const { label: group, dialect, url, server } of running) {
      const urls = tokens.map((token) => url(server.port, { token }));
      await load.run({ type: "open", group, concurrency: CONCURRENCY, urls, dialect });
      await echo(group); // warms up
    }
    for (const { label, clock } of inPasses(running, PASSES)) {
      tally.add(label, await measureCost(clock, load, () => echo(label)));
    }
    for (const { label: group } of running) await load.run({ type: "close", group });
    context.progress(`round ${round}: ${tally.text()}`);
  }
  return peers.map(({ label }) => ({
    figure: "server CPU per message",
    unit: "µs",
    peerName: label,
    target: label === RAW ? TARGET : undefined,
    ...tally.pair(OURS, label),
  }));
}
