import { HOSTED_DENO } from "../../support/isolates/host.ts";
import { type HostedRoom, measureRoom } from "../hosted/room.ts";
import type { PacedJob } from "../load/job.ts";
import type { Measured } from "../report/line.ts";
import { type CaseContext, issueTokens } from "./context.ts";

const MEMBERS = 20;
/** Limited, because a round takes minutes. */
const MAX_ROUNDS = 5;
/** Longer than the life of an isolate. */
const TRAFFIC_MS = 300_000;
/** Smallest ratio of the life with all levers to the life without. */
const TARGET = 3.3;

/** Way of sending pointer events. */
interface Variant {
  readonly name: string;
  /** Period of a member's messages, in milliseconds. */
  readonly everyMs: number;
  readonly message: PacedJob["message"];
  readonly env: Readonly<Record<string, string>>;
  readonly atLeast?: number;
}

const TICK = { EPHEMERAL_TICK_MS: "50" };
const BEFORE: Variant = { name: "20 Hz with acks", everyMs: 50, message: "cursor", env: {} };
/** The levers apart, and together, as `trackCursors` of the client uses them. */
const AFTER: readonly Variant[] = [
  { ...BEFORE, name: "ack: false", message: "keyed cursor" },
  { ...BEFORE, name: "a tick of 50 ms", env: TICK },
  { ...BEFORE, name: "5 Hz", everyMs: 200 },
  { name: "all three", everyMs: 200, message: "keyed cursor", env: TICK, atLeast: TARGET },
];

/** Measures the life of a hosted isolate in which 20 members move their pointers all the time. */
export async function benchCursors(context: CaseContext): Promise<Measured[]> {
  if (context.deno.version !== HOSTED_DENO) return [];
  const tokens = await issueTokens(context.issuer, MEMBERS);
  const lives = new Map([BEFORE, ...AFTER].map((variant) => [variant, [] as number[]]));
  for (let round = 1; round <= Math.min(context.rounds, MAX_ROUNDS); round++) {
    for (const [{ name, everyMs, message, env }, seconds] of lives) {
      const room: HostedRoom = {
        members: MEMBERS,
        roomSize: MEMBERS,
        env,
        traffic: { type: "paced", publishers: MEMBERS, everyMs, message, forMs: TRAFFIC_MS },
      };
      const { lifeSeconds } = await measureRoom(context, room, { tokens, dialect: "rooms.v1", seed: round });
      seconds.push(lifeSeconds);
      context.progress(`round ${round}, ${name}: ${lifeSeconds.toFixed(1)} s`);
    }
  }
  return AFTER.map((variant) => ({
    figure: `cursors of ${MEMBERS} members, ${variant.name}: life`,
    unit: "s",
    ours: lives.get(variant) ?? [],
    peerName: BEFORE.name,
    peer: lives.get(BEFORE) ?? [],
    atLeast: variant.atLeast,
  }));
}
