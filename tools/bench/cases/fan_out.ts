import { Load } from "../harness/load.ts";
import {
  CHANNELS,
  channelsSide,
  inPasses,
  otherSides,
  OURS,
  ourSide,
  RAW,
  rawSide,
  type Side,
  startSides,
} from "../harness/sides.ts";
import { measureCost, Tally } from "../harness/tally.ts";
import type { Measured } from "../report/line.ts";
import { type CaseContext, issueTokens } from "./context.ts";

const ROOM_SIZES = [100, 1_000] as const;
/** Numbers of publishers, each with one message in flight. */
const IN_FLIGHT = [1, 16] as const;
/** Passes over all sides, in alternating order, so that noise affects all sides. */
const PASSES = 2;
const SLICE_MS = 500;
/**
 * Long enough for V8 to compile hot code. With 200 ms, its compiler threads made up a tenth or more
 * of the figures.
 */
const WARM_UP_MS = 1_500;
const CONCURRENCY = 20;
const ROOM = "bench";
const PLAIN = "ours, plain";
const JOINING = `${RAW}, joining`;

/** Clients of our sides, by label. */
const CLIENTS: Readonly<Record<string, string>> = {
  [OURS]: "realtime.v1",
  [PLAIN]: "plain",
  [CHANNELS]: "supabase-js",
};

/** Measured traffic: the size of the room and the number in flight. */
interface Shape {
  readonly size: number;
  readonly inFlight: number;
}

/**
 * Measures the processor time of one delivery to one member of a room, beside other servers that
 * send to all members.
 */
export async function benchFanOut(context: CaseContext): Promise<Measured[]> {
  const peers = [
    await rawSide(context, "room"),
    await rawSide(context, "joining"),
    ...await otherSides(context, "room"),
  ];
  const sides = [
    await ourSide(context, "rooms.v1"),
    { ...await ourSide(context, "rooms"), label: PLAIN },
    await channelsSide(context),
    ...peers,
  ];
  const tokens = await issueTokens(context.issuer, Math.max(...ROOM_SIZES));
  await using load = await Load.start();
  const shapes = ROOM_SIZES.flatMap((size) =>
    IN_FLIGHT.map((inFlight) => ({ size, inFlight, tally: new Tally() }))
  );
  for (let round = 1; round <= context.rounds; round++) {
    for (const size of ROOM_SIZES) {
      await using stack = new AsyncDisposableStack();
      const running = await startSides(stack, sides);
      for (const { label: group, dialect, url, server } of running) {
        const urls = tokens.slice(0, size).map((token) => url(server.port, { token, room: ROOM }));
        await load.run({ type: "open", group, concurrency: CONCURRENCY, urls, dialect });
      }
      for (const { inFlight, tally } of shapes.filter((shape) => shape.size === size)) {
        const measured = sidesFor(running, inFlight);
        const fanOut = async (group: string, durationMs: number): Promise<number> =>
          (await load.run({ type: "fan-out", group, inFlight, durationMs })).deliveries;
        for (const { label } of measured) await fanOut(label, WARM_UP_MS);
        tally.startRound();
        for (const { label, clock } of inPasses(measured, PASSES)) {
          tally.add(label, await measureCost(clock, load, () => fanOut(label, SLICE_MS)));
        }
        context.progress(`round ${round}, ${nameOf({ size, inFlight })}: ${tally.text()} a delivery`);
      }
      for (const { label: group } of running) await load.run({ type: "close", group });
    }
  }
  return shapes.flatMap(({ tally, ...shape }) => {
    const figure = (ours: string, peerName: string): Measured => ({
      figure: `${nameOf(shape)}, ${CLIENTS[ours]} clients`,
      unit: "µs a delivery",
      peerName,
      target: targetOf(shape, ours, peerName),
      ...tally.pair(ours, peerName),
    });
    return [
      ...sidesFor(peers, shape.inFlight).map(({ label }) => figure(OURS, label)),
      figure(PLAIN, RAW),
      figure(CHANNELS, RAW),
      figure(CHANNELS, OURS),
    ];
  });
}

function nameOf({ size, inFlight }: Shape): string {
  return `${size} members, ${inFlight} in flight`;
}

/** Sides to measure: the joining one waits for sixteen publishers. */
function sidesFor<T extends Side>(sides: readonly T[], inFlight: number): T[] {
  return sides.filter(({ label }) => label !== JOINING || inFlight === 16);
}

function targetOf({ size, inFlight }: Shape, ours: string, peer: string): number | undefined {
  if (peer === JOINING) return size === 100 ? 1.15 : 1.10;
  if (ours === CHANNELS) return undefined;
  return peer === RAW && (ours === PLAIN || inFlight === 1) ? 1.15 : undefined;
}
