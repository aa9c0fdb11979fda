import { CpuClock } from "../../support/processes/cpu_clock.ts";
import type { JobProcess } from "../../support/processes/job_process.ts";
import type { FanOutResult } from "../load/job.ts";
import { IN_FLIGHT, type InFlight, type Side, type SideName, startSides } from "./fan_out_sides.ts";
import { ask, askFanOut, coresUsed, type Cost, measureCost, sumCosts } from "./measured_load.ts";

/** Numbers of members of the room. */
export const ROOM_SIZES = [100, 1_000] as const;
export type RoomSize = (typeof ROOM_SIZES)[number];

/** Passes over all sides, in alternating order, so that noise affects all sides. */
const PASSES = 2;
const SLICE_MS = 500;
/**
 * Long enough for V8 to compile hot code. With 200 ms, its compiler threads made up a tenth or more
 * of the figures.
 */
const WARM_UP_MS = 1_500;
const CONCURRENCY = 20;

/** Key of a figure of a round. */
interface Combination {
  readonly size: RoomSize;
  readonly inFlight: InFlight;
  readonly side: SideName;
}

/** Cost of a combination in one round. */
export interface FanOutSample {
  readonly microsPerDelivery: number;
  /** Number of cores that the server used. */
  readonly cores: number;
  readonly messagesPerWebSocketMessage: number;
  readonly bytesPerDelivery: number;
}

/** Key of a combination in a round's samples. */
export function keyOf({ size, inFlight, side }: Combination): string {
  return `${side} ${size} ${inFlight}`;
}

/** Input of a round. */
interface FanOutSetup {
  readonly sides: readonly Side[];
  readonly load: JobProcess;
  /** One token per member, each for another user. */
  readonly tokens: readonly string[];
}

/**
 * Measures one round with new servers for each room size: the sample of every combination, by key.
 */
export async function measureFanOutRound(setup: FanOutSetup): Promise<Map<string, FanOutSample>> {
  const samples = new Map<string, FanOutSample>();
  for (const size of ROOM_SIZES) await measureSize(setup, size, samples);
  return samples;
}

async function measureSize(
  { sides, load, tokens }: FanOutSetup,
  size: RoomSize,
  samples: Map<string, FanOutSample>,
): Promise<void> {
  await using running = await startSides(sides);
  const clocks = new Map([...running.servers].map(([side, { pid }]) => [side.name, new CpuClock(pid)]));
  for (const [side, server] of running.servers) {
    const urls = tokens.slice(0, size).map((token) => side.url(server, token));
    await ask(load, {
      type: "open",
      group: side.name,
      concurrency: CONCURRENCY,
      urls,
      dialect: side.dialect,
    });
    for (const inFlight of side.inFlight) {
      await askFanOut(load, { type: "fan-out", group: side.name, inFlight, durationMs: WARM_UP_MS });
    }
  }
  for (const inFlight of IN_FLIGHT) {
    const slices = new Map<SideName, Slice[]>();
    for (let pass = 0; pass < PASSES; pass++) {
      for (const { name, inFlight: all } of pass % 2 === 0 ? sides : sides.toReversed()) {
        if (!all.includes(inFlight)) continue;
        const clock = clocks.get(name);
        if (!clock) throw new Error(`no server for ${name}`);
        const slice = await measureSlice(load, clock, name, inFlight);
        slices.set(name, [...slices.get(name) ?? [], slice]);
      }
    }
    for (const [side, ofSide] of slices) samples.set(keyOf({ size, inFlight, side }), toSample(ofSide));
  }
  for (const { name } of sides) await ask(load, { type: "close", group: name });
}

interface Slice {
  readonly cost: Cost;
  readonly result: FanOutResult;
}

async function measureSlice(
  load: JobProcess,
  clock: CpuClock,
  group: SideName,
  inFlight: InFlight,
): Promise<Slice> {
  const results: FanOutResult[] = [];
  const cost = await measureCost(clock, async () => {
    results.push(await askFanOut(load, { type: "fan-out", group, inFlight, durationMs: SLICE_MS }));
  });
  const [result] = results;
  if (!result) throw new Error(`the load generator returned no fan-out result for ${group}`);
  return { cost, result };
}

function toSample(slices: readonly Slice[]): FanOutSample {
  const cost = sumCosts(slices.map((slice) => slice.cost));
  const sum = (field: keyof FanOutResult): number =>
    slices.reduce((total, { result }) => total + result[field], 0);
  const deliveries = sum("deliveries");
  return {
    microsPerDelivery: cost.cpuMicros / deliveries,
    cores: coresUsed(cost),
    messagesPerWebSocketMessage: deliveries / sum("webSocketMessages"),
    bytesPerDelivery: sum("bytes") / deliveries,
  };
}
