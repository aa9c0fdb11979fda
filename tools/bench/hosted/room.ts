import { delay } from "@std/async";
import type { CaseContext } from "../cases/context.ts";
import { Load } from "../harness/load.ts";
import type { BurstJob, PacedJob, TrafficResult } from "../load/job.ts";
import { HOSTED_LIMITS, WARNED_AT } from "../../support/isolates/limits.ts";
import { startHostedIsolate } from "./isolate.ts";

/** Dialect of members: `rooms.v1` selects the subprotocol `realtime.v1`, `rooms` none. */
export type ClientDialect = "rooms.v1" | "rooms";

/** Members of one isolate, and their traffic. */
export interface HostedRoom {
  readonly members: number;
  readonly roomSize: number;
  /** Variables of the function. */
  readonly env?: Readonly<Record<string, string>>;
  /** Traffic that ends with the isolate, or for quiet rooms after `forMs`. */
  readonly traffic:
    | Pick<BurstJob, "type" | "inFlight">
    | Pick<PacedJob, "type" | "publishers" | "everyMs" | "message" | "forMs">;
  /** Time before the measurement, for rooms that do not use up their isolate. */
  readonly settleMs?: number;
}

/** Measurement of a room. */
export interface RoomUse {
  readonly cpuMsPerSecond: number;
  /** Time until the host's warning, after which the isolate sends all members away. */
  readonly lifeSeconds: number;
  readonly traffic: TrafficResult;
}

/** Default HEARTBEAT_MS of the function. */
export const HEARTBEAT_MS = 25_000;
const CONCURRENCY = 5;
const GROUP = "room";
/** CPU and age at the host's warning, after which the function sends all members away. */
const WARNED_CPU_MS = HOSTED_LIMITS.cpuHardMs * WARNED_AT;
const WARNED_AGE_S = HOSTED_LIMITS.wallMs * WARNED_AT / 1_000;

/**
 * Starts an isolate, joins all members, and runs the traffic. A quiet room does not use up its
 * isolate: its life is calculated, because waiting would take minutes. `seed` decides the moments
 * of publishing.
 */
export async function measureRoom(
  context: CaseContext,
  room: HostedRoom,
  { tokens, dialect, seed }: {
    readonly tokens: readonly string[];
    readonly dialect: ClientDialect;
    readonly seed: number;
  },
): Promise<RoomUse> {
  await using isolate = await startHostedIsolate(context, { env: room.env ?? {} });
  await using load = await Load.start();
  const urls = isolate.roomUrls("room", tokens.slice(0, room.members), room.roomSize);
  await load.run({ type: "open", group: GROUP, urls, dialect, concurrency: CONCURRENCY, mayFail: true });
  if (isolate.event("retired")) {
    throw new Error("the isolate was retired before all members had joined: use fewer members");
  }
  const joinedCpuMs = isolate.now.cpuMs;
  const publishing = load.run(
    room.traffic.type === "burst"
      ? { ...room.traffic, group: GROUP }
      : { ...room.traffic, group: GROUP, pingEveryMs: HEARTBEAT_MS, seed },
  );
  if (room.settleMs === undefined) {
    const traffic = await publishing;
    const warned = isolate.event("warned");
    if (!traffic.isEnded || warned?.reason !== "cpu") {
      throw new Error(`the isolate ended for ${warned?.reason} instead of cpu: its CPU was not exhausted`);
    }
    const lifeSeconds = traffic.elapsedMs / 1_000;
    return { cpuMsPerSecond: (warned.cpuMs - joinedCpuMs) / lifeSeconds, lifeSeconds, traffic };
  }
  await Promise.race([publishing, delay(room.settleMs)]);
  const before = isolate.now;
  const traffic = await publishing;
  const after = isolate.now;
  if (traffic.isEnded) throw new Error("the isolate ended during the measurement of a quiet room");
  const cpuMsPerSecond = (after.cpuMs - before.cpuMs) / (after.ageMs - before.ageMs) * 1_000;
  const lifeSeconds = Math.min(WARNED_AGE_S, (WARNED_CPU_MS - joinedCpuMs) / cpuMsPerSecond);
  return { cpuMsPerSecond, lifeSeconds, traffic };
}
