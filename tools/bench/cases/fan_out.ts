import { type Cost, measureCost, RoundCosts } from "../harness/cost.ts";
import { Load } from "../harness/load.ts";
import {
  CHANNELS,
  channelsSide,
  inPasses,
  lowerBoundSide,
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

/** Costs and deliveries of all sides in one round, for one shape. */
interface Round {
  readonly costs: RoundCosts;
  readonly deliveries: ReadonlyMap<string, number>;
}

/**
 * Measures the processor time of one delivery to one member of a room, beside other servers that
 * send to all members.
 */
export async function benchFanOut(context: CaseContext): Promise<Line[]> {
  const sides = [
    await ourSide(context, "rooms.v1"),
    { ...await ourSide(context, "rooms"), label: PLAIN },
    await channelsSide(context),
    await rawSide(context, "room"),
    await lowerBoundSide(context, "joining"),
    ...await otherSides(context, "room"),
  ];
  const tokens = await issueTokens(context.issuer, Math.max(...ROOM_SIZES));
  await using load = await Load.start();
  const rounds = new Map<string, Round[]>();
  for (let number = 1; number <= context.rounds; number++) {
    for (const size of ROOM_SIZES) {
      for (const [inFlight, round] of await measureSize(sides, load, tokens.slice(0, size))) {
        const name = nameOf({ size, inFlight });
        rounds.set(name, [...rounds.get(name) ?? [], round]);
        const texts = sidesFor(sides, inFlight).map(({ label }) =>
          `${label} ${microsPerDelivery(round, label).toFixed(2)}`
        );
        context.progress(`round ${number}, ${name}: ${texts.join(", ")} µs a delivery`);
      }
    }
  }
  const shapes = ROOM_SIZES.flatMap((size) => IN_FLIGHT.map((inFlight) => ({ size, inFlight })));
  return shapes.flatMap((shape) => {
    const line = (ours: string, peer: string): Line =>
      toLine({
        case: "fanout",
        deno: context.deno.version,
        ...figureOf(shape, ours, peer, rounds.get(nameOf(shape)) ?? []),
      });
    const peers = sidesFor(sides, shape.inFlight).filter(({ label }) =>
      ![OURS, PLAIN, CHANNELS].includes(label)
    );
    return [
      ...peers.map(({ label }) => line(OURS, label)),
      line(PLAIN, RAW),
      line(CHANNELS, RAW),
      line(CHANNELS, OURS),
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

/** Measures one round with new servers, by number in flight. */
async function measureSize(
  sides: readonly Side[],
  load: Load,
  tokens: readonly string[],
): Promise<Map<number, Round>> {
  await using stack = new AsyncDisposableStack();
  const running = await startSides(stack, sides);
  for (const { label: group, dialect, url, server } of running) {
    const urls = tokens.map((token) => url(server.port, { token, room: ROOM }));
    await load.open({ group, concurrency: CONCURRENCY, urls, dialect });
  }
  const rounds = new Map<number, Round>();
  for (const inFlight of IN_FLIGHT) {
    const measured = sidesFor(running, inFlight);
    for (const { label: group } of measured) {
      await load.publish({ type: "fan-out", group, inFlight, durationMs: WARM_UP_MS });
    }
    const costs = new RoundCosts();
    const deliveries = new Map<string, number>();
    for (const { label: group, clock } of inPasses(measured, PASSES)) {
      const fanOut = async (): Promise<void> => {
        const result = await load.publish({ type: "fan-out", group, inFlight, durationMs: SLICE_MS });
        deliveries.set(group, (deliveries.get(group) ?? 0) + result.deliveries);
      };
      costs.add(group, await measureCost(clock, load, fanOut));
    }
    rounds.set(inFlight, { costs, deliveries });
  }
  for (const { label } of running) await load.close(label);
  return rounds;
}

function figureOf(shape: Shape, ours: string, peer: string, rounds: readonly Round[]) {
  const costsOf = (label: string): Cost[] => rounds.map(({ costs }) => costs.of(label));
  return {
    figure: `${nameOf(shape)}, ${CLIENTS[ours]} clients`,
    unit: "µs a delivery",
    ours: rounds.map((round) => microsPerDelivery(round, ours)),
    peerName: peer,
    peer: rounds.map((round) => microsPerDelivery(round, peer)),
    target: targetOf(shape, ours, peer),
    details: { ...usageDetails("ours", costsOf(ours)), ...usageDetails("peer", costsOf(peer)) },
  };
}

function targetOf({ size, inFlight }: Shape, ours: string, peer: string): number | undefined {
  if (peer === JOINING) return size === 100 ? 1.15 : 1.10;
  if (ours === CHANNELS) return undefined;
  return peer === RAW && (ours === PLAIN || inFlight === 1) ? 1.15 : undefined;
}

function microsPerDelivery({ costs, deliveries }: Round, label: string): number {
  return costs.of(label).cpuMicros / (deliveries.get(label) ?? 0);
}
