import { Load } from "../harness/load.ts";
import { inPasses, otherSides, OURS, ourSide, RAW, rawSide, startSides } from "../harness/sides.ts";
import { measureCost, Tally } from "../harness/tally.ts";
import type { Measured } from "../report/line.ts";
import { type CaseContext, issueTokens } from "./context.ts";

/** Connects of a slice. They stay open until the last one is done. */
const CONNECTS_PER_SLICE = 500;
const CONCURRENCY = 20;
const WARM_UPS = 3;
const PASSES = 6;
const NEW_TARGET = 1.10;
const KNOWN_TARGET = 1.6;

/**
 * Measures the processor time of a connect that stays open, with a new token and with a known one.
 */
export async function benchConnect(context: CaseContext): Promise<Measured[]> {
  const ours = await ourSide(context, "relay");
  const verifying = await rawSide(context, "verifying");
  const peers = [await rawSide(context, "echo"), ...await otherSides(context, "echo")];
  await using load = await Load.start();
  const tally = new Tally();
  for (let round = 1; round <= context.rounds; round++) {
    tally.startRound();
    await using stack = new AsyncDisposableStack();
    const running = await startSides(stack, [ours, verifying, ...peers]);
    const known = Array<string>(CONNECTS_PER_SLICE).fill((await issueTokens(context.issuer, 1))[0] ?? "");
    const slices = (["new token", "known token"] as const).flatMap((kind) =>
      running.filter(({ label }) => label === OURS || (label === verifying.label) === (kind === "new token"))
        .map((side) => ({ kind, side }))
    );
    /** Opens a socket for each token; the measurement excludes closing them. */
    const measure = async ({ kind, side }: typeof slices[number]) => {
      const { label: group, dialect, url, server, clock } = side;
      const tokens = kind === "known token" ? known : await issueTokens(context.issuer, CONNECTS_PER_SLICE);
      const urls = tokens.map((token) => url(server.port, { token }));
      const cost = await measureCost(clock, load, async () => {
        await load.run({ type: "open", group, concurrency: CONCURRENCY, urls, dialect });
        return urls.length;
      });
      await load.run({ type: "close", group });
      return cost;
    };
    for (const slice of inPasses(slices, WARM_UPS)) await measure(slice);
    for (const slice of inPasses(slices, PASSES)) {
      tally.add(`${slice.side.label}, ${slice.kind}`, await measure(slice));
    }
    context.progress(`round ${round}: ${tally.text()}`);
  }
  const figure = (kind: "new token" | "known token", peerName: string, target?: number): Measured => ({
    figure: `server CPU per connect, ${kind}`,
    unit: "µs",
    peerName,
    target,
    ...tally.pair(`${OURS}, ${kind}`, `${peerName}, ${kind}`),
  });
  return [
    figure("new token", verifying.label, NEW_TARGET),
    ...peers.map(({ label }) => figure("known token", label, label === RAW ? KNOWN_TARGET : undefined)),
  ];
}
