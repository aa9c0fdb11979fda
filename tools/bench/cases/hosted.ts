import { HOSTED_DENO } from "../../support/isolates/host.ts";
import { fillByCpu, fillByMemory } from "../hosted/capacity.ts";
import {
  type ClientDialect,
  HEARTBEAT_MS,
  type HostedRoom,
  measureRoom,
  type RoomUse,
} from "../hosted/room.ts";
import type { Measured } from "../report/line.ts";
import { type CaseContext, issueTokens } from "./context.ts";

/** Limited, because a round takes more than a minute. */
const MAX_ROUNDS = 3;
/**
 * Below the MAX_CONNECTIONS of 10,000: the host's front needs two file descriptors per member, and
 * processes often have 20,000.
 */
const OFFERED_MEMBERS = 9_000;
/** More joins than half of the CPU allows. */
const USERS_OF_JOINS = 3_000;
const MAX_CONNECTIONS = 10_000;
/** Longer than the life of any of the active rooms. */
const TRAFFIC_MS = 90_000;
/** Time between two heartbeats of the function, whose members have them at common moments. */
const BEAT_MS = HEARTBEAT_MS * 0.7;
/** Time after joining until the first heartbeats are over. */
const SETTLE_MS = BEAT_MS + 500;
/** The measurement takes two heartbeats more; clients ping at one of them. */
const QUIET_TRAFFIC = { type: "paced", message: "chat", forMs: SETTLE_MS + 2 * BEAT_MS } as const;

/** Rooms by name: quiet ones are measured for a while, active ones use up the CPU. */
const ROOMS: Readonly<Record<string, HostedRoom>> = {
  "chat: 50 members, 1 message a second in all": {
    members: 50,
    roomSize: 50,
    traffic: { ...QUIET_TRAFFIC, publishers: 50, everyMs: 50_000 },
    settleMs: SETTLE_MS,
  },
  // Few enough that joining leaves half of the CPU, on a busy machine too.
  "300 idle members": {
    members: 300,
    roomSize: 100,
    traffic: { ...QUIET_TRAFFIC, publishers: 0, everyMs: Number.MAX_SAFE_INTEGER },
    settleMs: SETTLE_MS,
  },
  "100 members, 16 messages in flight": {
    members: 100,
    roomSize: 100,
    traffic: { type: "burst", inFlight: 16 },
  },
  // Largest rate of one member by default.
  "100 members, one publishes 100 a second": {
    members: 100,
    roomSize: 100,
    traffic: { type: "paced", publishers: 1, everyMs: 10, message: "chat", forMs: TRAFFIC_MS },
  },
};

const DIALECTS: readonly ClientDialect[] = ["rooms.v1", "rooms"];

/**
 * Measures the capacity of a hosted isolate with 2 s of CPU and 256 MB: the life of active rooms,
 * the cost of quiet rooms, and the number of members.
 */
export async function benchHosted(context: CaseContext): Promise<Measured[]> {
  const { deno, progress } = context;
  if (deno.version !== HOSTED_DENO) {
    progress(`left out: the hosted runtime is ${HOSTED_DENO}`);
    return [];
  }
  const tokens = await issueTokens(context.issuer, OFFERED_MEMBERS);
  const uses = new Map<string, RoomUse[]>();
  const usesOf = (name: string, dialect: ClientDialect) => uses.get(`${name}, ${dialect}`) ?? [];
  const untilRetired: number[] = [];
  for (let round = 1; round <= Math.min(context.rounds, MAX_ROUNDS); round++) {
    for (const [name, room] of Object.entries(ROOMS)) {
      // The order alternates between rounds.
      for (const dialect of round % 2 === 1 ? DIALECTS : DIALECTS.toReversed()) {
        const use = await measureRoom(context, room, { tokens, dialect, seed: round });
        uses.set(`${name}, ${dialect}`, [...usesOf(name, dialect), use]);
        progress(
          `round ${round}, ${name}, ${dialect}: ${use.cpuMsPerSecond.toFixed(2)} ms of CPU a second, ` +
            `${use.traffic.deliveries} deliveries, sent away after ${use.lifeSeconds.toFixed(1)} s`,
        );
      }
    }
    untilRetired.push(await fillByCpu(context, tokens.slice(0, USERS_OF_JOINS)));
    progress(`round ${round}: ${untilRetired.at(-1)} members until the isolate is retired`);
  }
  const inMemory = await fillByMemory(context, tokens);
  progress(`${inMemory} members without a limit of CPU`);
  const members = (figure: string, ours: readonly number[]): Measured => {
    const peer = ours.map(() => MAX_CONNECTIONS);
    return { figure, unit: "members", ours, peerName: "MAX_CONNECTIONS", peer };
  };
  return [
    ...Object.entries(ROOMS).flatMap(([name, { settleMs }]) => {
      const figure = (what: string, unit: string, read: (use: RoomUse) => number): Measured => ({
        figure: `${name}: ${what}`,
        unit,
        ours: usesOf(name, "rooms.v1").map(read),
        peerName: "plain clients",
        peer: usesOf(name, "rooms").map(read),
      });
      return [
        ...settleMs === undefined
          ? [figure("deliveries of an isolate", "deliveries", ({ traffic }) => traffic.deliveries)]
          : [],
        figure("CPU a second", "ms", ({ cpuMsPerSecond }) => cpuMsPerSecond),
        figure("until it is sent away", "s", ({ lifeSeconds }) => lifeSeconds),
      ];
    }),
    members("members until half of the CPU is used, and others are sent elsewhere", untilRetired),
    members("members in 256 MiB without a limit of CPU", [inMemory]),
  ];
}
