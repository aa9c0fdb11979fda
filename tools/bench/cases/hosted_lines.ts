import { HOSTED_LIMITS, WARNED_AT } from "../../support/isolates/limits.ts";
import type { QuietCost } from "../hosted/at_rest.ts";
import type { MemoryCapacity } from "../hosted/joining.ts";
import type { Speech } from "../hosted/hosted_jobs.ts";
import type { UsedUp } from "../hosted/used_up.ts";
import { type Line, type Measured, toLine } from "../report.ts";
import { type HostedRound, IDLE_MEMBERS, type QuietRoomName, type UsedRoomName } from "./hosted_round.ts";

const MIB = 1_048_576;
const MS_PER_SECOND = 1_000;
/** The function's default MAX_CONNECTIONS. */
const MAX_CONNECTIONS = 10_000;
/** CPU and time until the host's warning, which has the function send everybody away. */
const WARNED_CPU_MS = HOSTED_LIMITS.cpuHardMs * WARNED_AT;
const WARNED_AGE_S = HOSTED_LIMITS.wallMs * WARNED_AT / MS_PER_SECOND;

const ROOMS: Record<UsedRoomName, string> = {
  burst: "100 members, 16 messages in flight",
  paced: "100 members, one publishes 100 a second",
  cursor: "cursors: 20 members at 20 Hz",
};

/** What tells how busy the machine was: publishes that come late come together, and cost less. */
const BEHIND_DELIVERIES: Readonly<Record<string, (used: UsedUp) => number>> = {
  "µs of CPU a delivery": ({ talkCpuMs, heard }) => talkCpuMs / heard.deliveries * MS_PER_SECOND,
  "messages in a WebSocket message": ({ heard }) => heard.deliveries / heard.webSocketMessages,
  "publishes a second": ({ heard, lastedMs }) => heard.publishes / lastedMs * MS_PER_SECOND,
  "s until sent away": ({ lastedMs }) => lastedMs / MS_PER_SECOND,
  "CPU when all were in, ms": ({ joinedCpuMs }) => joinedCpuMs,
};

/** The figures of the case; where nothing else is said ours is `realtime.v1` and the peer plain clients. */
export function hostedLines(rounds: readonly HostedRound[], memory: MemoryCapacity, deno: string): Line[] {
  const line = (measured: Omit<Measured, "case" | "deno">): Line =>
    toLine({ case: "hosted", deno, ...measured });
  const each = (read: (round: HostedRound) => number): number[] => rounds.map(read);
  const constant = (value: number): number[] => rounds.map(() => value);

  const ofUsed = (name: UsedRoomName, read: (used: UsedUp) => number) => (speech: Speech): number[] =>
    each(({ used }) => read(used[name][speech]));
  const used = (name: UsedRoomName, unit: string, what: string, read: (used: UsedUp) => number): Line => {
    const of = ofUsed(name, read);
    return line({
      figure: `${ROOMS[name]}: ${what}`,
      unit,
      ours: of("rooms.v1"),
      peerName: "plain clients",
      peer: of("rooms"),
      // Once a room.
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
    const of = (speech: Speech): number[] => each((round) => read(round.quiet[name][speech]));
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

function deliveries({ heard }: UsedUp): number {
  return heard.deliveries;
}

function cpuMsPerSecond({ talkCpuMs, lastedMs }: UsedUp): number {
  return talkCpuMs / lastedMs * MS_PER_SECOND;
}

function perSecond(cost: QuietCost): number {
  return cost.cpuMsPerSecond;
}

/** Until CPU or the wall clock ends it; calculated, since waiting for it would take minutes. */
function lifeSeconds({ joinedCpuMs, cpuMsPerSecond }: QuietCost): number {
  return Math.min(WARNED_AGE_S, (WARNED_CPU_MS - joinedCpuMs) / cpuMsPerSecond);
}

function isolatesAnHour(lifeSeconds: number): number {
  return 3_600 / lifeSeconds;
}
