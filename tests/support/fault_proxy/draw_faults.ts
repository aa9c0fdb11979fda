import { SeededRandom } from "../../../tools/support/seeded_random.ts";
import { type Direction, DIRECTIONS, type PerDirection } from "./direction.ts";
import { after, afterBytes, before, type Faults, type Hold, lostAck, type Place, within } from "./faults.ts";

/** Bounds for the place of a cut: the request, the response, the first frames, and later. */
const BYTE_BOUNDS = [250, 700, 1_500, 3_000, 20_000] as const;
const MOST_DELAY_MS = 20;
const MOST_HOLD_MS = 150;
/** Cuts aim at one of the first few messages, because a connection may carry no more. */
const MOST_MESSAGES = 6;

/** Kinds of faults with their weights. */
const KINDS = [
  ...repeat(4, drawCut),
  ...repeat(3, drawLostAck),
  ...repeat(2, drawHold),
  ...repeat(1, (): Faults => ({ refuse: true })),
] as const;

/**
 * Draws the faults of consecutive connections; the same seed gives the same faults. Cuts hit the
 * handshake, a frame, an ack or a late byte; other connections are held, refused or slow. The
 * result is plain data for JSON. A fault takes a few hundred milliseconds at most.
 */
export function drawFaults(seed: number, connections: number): readonly Faults[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: connections }, () => {
    const faults = random.pick(KINDS)(random);
    const delayMs = random.below(2) === 0 ? drawDelay(random) : undefined;
    return {
      ...faults,
      cutWay: random.pick(["reset", "fin"] as const),
      ...(delayMs === undefined || faults.refuse ? {} : { delayMs }),
    };
  });
}

function drawCut(random: SeededRandom): Faults {
  return { cut: drawPlace(random) };
}

function drawLostAck(random: SeededRandom): Faults {
  return { cut: lostAck(undefined, 1 + random.below(3)) };
}

function drawHold(random: SeededRandom): Faults {
  const direction = random.pick([undefined, ...DIRECTIONS]);
  const hold: Hold = {
    from: drawPlace(random),
    ms: 20 + random.below(MOST_HOLD_MS - 20),
    then: random.below(4) === 0 ? "release" : "cut",
    ...(direction ? { direction } : {}),
  };
  // A released connection ends later too.
  return hold.then === "release" ? { hold, cut: drawPlace(random) } : { hold };
}

function drawPlace(random: SeededRandom): Place {
  const direction = random.pick(DIRECTIONS);
  return random.below(2) === 0
    ? afterBytes(direction, random.below(random.pick(BYTE_BOUNDS)))
    : drawMessagePlace(random, direction);
}

function drawMessagePlace(random: SeededRandom, direction: Direction): Place {
  const message = 1 + random.below(MOST_MESSAGES);
  const how = random.below(4);
  if (how === 0) return before(direction, message);
  if (how === 1) return after(direction, message);
  return within(direction, message, 1 + random.below(200));
}

function drawDelay(random: SeededRandom): PerDirection {
  return { toClient: random.below(MOST_DELAY_MS + 1), toServer: random.below(MOST_DELAY_MS + 1) };
}

function repeat<T>(times: number, value: T): readonly T[] {
  return Array.from({ length: times }, () => value);
}
