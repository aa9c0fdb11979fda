import { HOSTED_LIMITS, WARNED_AT } from "../../support/isolates/limits.ts";
import type { QuietCost } from "../hosted/quiet_rooms.ts";
import type { MemoryCapacity } from "../hosted/join_capacity.ts";
import type { ClientDialect } from "../hosted/hosted_jobs.ts";
import type { CpuExhaustion } from "../hosted/cpu_exhaustion.ts";
import { type Line, type Measured, toLine } from "../report.ts";
import { type ActiveRoomName, type HostedRound, IDLE_MEMBERS, type QuietRoomName } from "./hosted_round.ts";

const MIB = 1_048_576;
const MS_PER_SECOND = 1_000;
/** Default MAX_CONNECTIONS of the function. */
const MAX_CONNECTIONS = 10_000;
/** CPU and age at the host's warning, after which the function sends all members away. */
const WARNED_CPU_MS = HOSTED_LIMITS.cpuHardMs * WARNED_AT;
const WARNED_AGE_S = HOSTED_LIMITS.wallMs * WARNED_AT / MS_PER_SECOND;

const ROOMS: Record<ActiveRoomName, string> = {
  burst: "100 members, 16 messages in flight",
  paced: "100 members, one publishes 100 a second",
  cursor: "cursors: 20 members at 20 Hz",
};

/** Details that show the load of the machine: late publishes are batched, and cost less. */
const BEHIND_DELIVERIES: Readonly<Record<string, (used: CpuExhaustion) => number>> = {
  "µs of CPU a delivery": ({ trafficCpuMs, traffic }) => trafficCpuMs / traffic.deliveries * MS_PER_SECOND,
  "messages in a WebSocket message": ({ traffic }) => traffic.deliveries / traffic.webSocketMessages,
  "publishes a second": ({ traffic, lastedMs }) => traffic.publishes / lastedMs * MS_PER_SECOND,
  "s until sent away": ({ lastedMs }) => lastedMs / MS_PER_SECOND,
  "CPU when all were in, ms": ({ joinedCpuMs }) => joinedCpuMs,
};

/**
 * Lines of the case. Ours is `realtime.v1` and the peer is plain clients, unless a line says
 * otherwise.
 */
export function hostedLines(rounds: readonly HostedRound[], memory: MemoryCapacity, deno: string): Line[] {
  const line = (measured: Omit<Measured, "case" | "deno">): Line =>
    toLine({ case: "hosted", deno, ...measured });
  const each = (read: (round: HostedRound) => number): number[] => rounds.map(read);
  const constant = (value: number): number[] => rounds.map(() => value);

  const ofUsed =
    (name: ActiveRoomName, read: (used: CpuExhaustion) => number) => (dialect: ClientDialect): number[] =>
      each(({ used }) => read(used[name][dialect]));
  const used = (
    name: ActiveRoomName,
    unit: string,
    what: string,
    read: (used: CpuExhaustion) => number,
  ): Line => {
    const of = ofUsed(name, read);
    return line({
      figure: `${ROOMS[name]}: ${what}`,
      unit,
      ours: of("rooms.v1"),
      peerName: "plain clients",
      peer: of("rooms"),
      // Details appear once per room.
      details: unit !== "deliveries" ? {} : Object.fromEntries(
        Object.entries(BEHIND_DELIVERIES).flatMap(([detail, readDetail]) => [
          [`ours: ${detail}`, ofUsed(name, readDetail)("rooms.v1")],
          [`plain: ${detail}`, ofUsed(name, readDetail)("rooms")],
        ]),
      ),
    });
  };

  const quiet = (
    name: QuietRoomName,
    figure: string,
    read: (cost: QuietCost) => number,
    unit: string,
  ): Line => {
    const of = (dialect: ClientDialect): number[] => each((round) => read(round.quiet[name][dialect]));
    return line({ figure, unit, ours: of("rooms.v1"), peerName: "plain clients", peer: of("rooms") });
  };

  return [
    line({
      figure: "CPU when it listens",
      unit: "ms",
      ours: each((round) => round.used.burst["rooms.v1"].bootCpuMs),
      peerName: "an isolate's CPU",
      peer: constant(HOSTED_LIMITS.cpuHardMs),
    }),
    used("burst", "deliveries", "deliveries of an isolate", deliveries),
    used("paced", "deliveries", "deliveries of an isolate", deliveries),
    used("cursor", "deliveries", "deliveries of an isolate", deliveries),
    used("cursor", "ms", "CPU a second", cpuMsPerSecond),
    used("cursor", "s", "until it is sent away", ({ lastedMs }) => lastedMs / MS_PER_SECOND),
    used("cursor", "an hour", "isolates", ({ lastedMs }) => isolatesAnHour(lastedMs / MS_PER_SECOND)),
    quiet("chat", "chat: 50 members, 1 message a second in all: CPU a second", perSecond, "ms"),
    quiet("chat", "chat: until it is sent away", lifeSeconds, "s"),
    quiet("chat", "chat: isolates", (cost) => isolatesAnHour(lifeSeconds(cost)), "an hour"),
    quiet("idle", `${IDLE_MEMBERS} idle members: CPU a second`, perSecond, "ms"),
    quiet("idle", `${IDLE_MEMBERS} idle members: until they are sent away`, lifeSeconds, "s"),
    line({
      figure: "joins per second of CPU, known token",
      unit: "1/s",
      ours: each(({ joins }) => joins.known),
      peerName: "new token",
      peer: each(({ joins }) => joins.fresh),
    }),
    line({
      figure: "members until half of the CPU is used, and others are sent elsewhere",
      unit: "members",
      ours: each(({ untilRetired }) => untilRetired),
      peerName: "MAX_CONNECTIONS",
      peer: constant(MAX_CONNECTIONS),
    }),
    line({
      figure: "members in 256 MiB without a limit of CPU",
      unit: "members",
      ours: [memory.members],
      peerName: "MAX_CONNECTIONS",
      peer: [MAX_CONNECTIONS],
      details: {
        "MiB at the end": [memory.memoryBytes / MIB],
        "MiB with one member": [memory.emptyBytes / MIB],
        "refused": [memory.refused],
      },
    }),
  ];
}

function deliveries({ traffic }: CpuExhaustion): number {
  return traffic.deliveries;
}

function cpuMsPerSecond({ trafficCpuMs, lastedMs }: CpuExhaustion): number {
  return trafficCpuMs / lastedMs * MS_PER_SECOND;
}

function perSecond(cost: QuietCost): number {
  return cost.cpuMsPerSecond;
}

/**
 * Seconds until CPU or the wall clock ends the isolate. Calculated, because waiting would take
 * minutes.
 */
function lifeSeconds({ joinedCpuMs, cpuMsPerSecond }: QuietCost): number {
  return Math.min(WARNED_AGE_S, (WARNED_CPU_MS - joinedCpuMs) / cpuMsPerSecond);
}

function isolatesAnHour(lifeSeconds: number): number {
  return 3_600 / lifeSeconds;
}
