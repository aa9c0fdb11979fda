import { issueTokens } from "../harness/tokens.ts";
import { type Line, toLine } from "../report.ts";
import type { CaseContext } from "./context.ts";
import { type FanOutSample, keyOf, measureFanOutRound, ROOM_SIZES, type RoomSize } from "./fan_out_round.ts";
import { IN_FLIGHT, type InFlight, prepareSides, type Side, type SideName } from "./fan_out_sides.ts";
import { startLoad } from "./measured_load.ts";

/**
 * Comparison of ours with a peer. A target holds for both room sizes, unless `targetSize` names
 * one.
 */
interface Comparison {
  readonly ours: "v1" | "plain";
  readonly peer: SideName;
  readonly inFlight: InFlight;
  readonly target?: number;
  readonly targetSize?: RoomSize;
}

const COMPARISONS: readonly Comparison[] = [
  { ours: "v1", inFlight: 16, peer: "bun", target: 1.0, targetSize: 100 },
  { ours: "v1", inFlight: 16, peer: "reference", target: 0.15, targetSize: 100 },
  { ours: "v1", inFlight: 16, peer: "raw" },
  { ours: "v1", inFlight: 16, peer: "joining" },
  { ours: "v1", inFlight: 16, peer: "hono" },
  { ours: "v1", inFlight: 16, peer: "ws" },
  { ours: "v1", inFlight: 16, peer: "socketIo" },
  { ours: "v1", inFlight: 1, peer: "raw", target: 1.15 },
  { ours: "v1", inFlight: 1, peer: "bun" },
  { ours: "v1", inFlight: 1, peer: "hono" },
  { ours: "v1", inFlight: 1, peer: "ws" },
  { ours: "v1", inFlight: 1, peer: "socketIo" },
  { ours: "plain", inFlight: 16, peer: "raw", target: 1.15 },
  { ours: "plain", inFlight: 1, peer: "raw", target: 1.15 },
];

type Round = ReadonlyMap<string, FanOutSample>;

/**
 * Measures the processor time of one delivery to one member of a room, beside other servers that
 * send to all members.
 */
export async function benchFanOut(context: CaseContext): Promise<Line[]> {
  const sides = await prepareSides(context);
  const tokens = await issueTokens(context.issuer, Math.max(...ROOM_SIZES));
  await using load = await startLoad();
  const rounds: Round[] = [];
  for (let round = 1; round <= context.rounds; round++) {
    const samples = await measureFanOutRound({ sides, load, tokens });
    rounds.push(samples);
    for (const size of ROOM_SIZES) {
      for (const inFlight of IN_FLIGHT) {
        const measured = sides.filter((side) => side.inFlight.includes(inFlight));
        const texts = measured.map(({ name, label }) =>
          `${label} ${samples.get(keyOf({ size, inFlight, side: name }))?.microsPerDelivery.toFixed(2)}`
        );
        context.progress(
          `round ${round}, ${size} members, ${inFlight} in flight: ${texts.join(", ")} µs a delivery`,
        );
      }
    }
  }
  return ROOM_SIZES.flatMap((size) => linesOf(size, rounds, sides, context.deno.version));
}

function linesOf(size: RoomSize, rounds: readonly Round[], sides: readonly Side[], deno: string): Line[] {
  const figures = (
    side: SideName,
    inFlight: InFlight,
    field: keyof FanOutSample = "microsPerDelivery",
  ): number[] =>
    rounds.map((samples) => {
      const sample = samples.get(keyOf({ size, inFlight, side }));
      if (!sample) throw new Error(`${side} was not measured`);
      return sample[field];
    });
  return COMPARISONS.flatMap(({ ours, peer, inFlight, target, targetSize = size }) => {
    // On the reference's version, `raw` is also the reference, and one line is enough.
    const isBoth = !sides.some(({ name }) => name === "reference");
    if (isBoth && peer === "raw" && ours === "v1" && inFlight === 16) return [];
    const name = isBoth && peer === "reference" ? "raw" : peer;
    const side = sides.find((each) => each.name === name);
    if (!side) return []; // an informational peer that --peers targets skips
    return [toLine({
      case: "fanout",
      deno,
      figure: `${size} members, ${inFlight} in flight, ${ours === "v1" ? "realtime.v1" : "plain"} clients`,
      unit: "µs a delivery",
      ours: figures(ours, inFlight),
      peerName: side.label,
      peer: figures(name, inFlight),
      ...(target !== undefined && targetSize === size ? { target } : {}),
      details: {
        "ours: cores used": figures(ours, inFlight, "cores"),
        "ours: messages in a WebSocket message": figures(ours, inFlight, "messagesPerWebSocketMessage"),
        "ours: bytes a delivery": figures(ours, inFlight, "bytesPerDelivery"),
        "peer: cores used": figures(name, inFlight, "cores"),
        "peer: bytes a delivery": figures(name, inFlight, "bytesPerDelivery"),
      },
    })];
  });
}
