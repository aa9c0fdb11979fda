import { HOSTED_DENO } from "../../support/isolates/host.ts";
import { issueTokens } from "../harness/tokens.ts";
import { fillByCpu, fillByMemory } from "../hosted/capacity.ts";
import {
  type ClientDialect,
  HEARTBEAT_MS,
  type HostedRoom,
  measureRoom,
  type RoomUse,
} from "../hosted/room.ts";
import { type Line, type Measured, toLine } from "../report/line.ts";
import type { CaseContext } from "./context.ts";

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
/**
 * Time after joining until the first round of the function's own heartbeats is over, which all come
 * at once. The measurement takes one heartbeat more.
 */
const SETTLE_MS = HEARTBEAT_MS * 0.7 + 500;

/** Rooms that use up their isolate's CPU. */
const ACTIVE: readonly HostedRoom[] = [
  {
    name: "100 members, 16 messages in flight",
    members: 100,
    roomSize: 100,
    traffic: { type: "burst", inFlight: 16 },
  },
  {
    // Largest rate of one member by default.
    name: "100 members, one publishes 100 a second",
    members: 100,
    roomSize: 100,
    traffic: { type: "paced", publishers: 1, everyMs: 10, message: "chat", forMs: TRAFFIC_MS },
  },
  {
    name: "cursors: 20 members at 20 Hz",
    members: 20,
    roomSize: 20,
    traffic: { type: "paced", publishers: 20, everyMs: 50, message: "cursor", forMs: TRAFFIC_MS },
  },
];

const QUIET_TRAFFIC = { type: "paced", message: "chat", forMs: SETTLE_MS + HEARTBEAT_MS } as const;

/** Rooms that are measured for a while. */
const QUIET: readonly HostedRoom[] = [
  {
    name: "chat: 50 members, 1 message a second in all",
    members: 50,
    roomSize: 50,
    traffic: { ...QUIET_TRAFFIC, publishers: 50, everyMs: 50_000 },
    settleMs: SETTLE_MS,
  },
  {
    // Few enough that joining leaves half of the CPU, on a busy machine too.
    name: "300 idle members",
    members: 300,
    roomSize: 100,
    traffic: { ...QUIET_TRAFFIC, publishers: 0, everyMs: Number.MAX_SAFE_INTEGER },
    settleMs: SETTLE_MS,
  },
];

const DIALECTS: readonly ClientDialect[] = ["rooms.v1", "rooms"];

/** Measurements of one round; rooms by name and dialect. */
interface Round {
  readonly rooms: ReadonlyMap<string, RoomUse>;
  /** Number of members at which the host retired the isolate, after half of its CPU. */
  readonly untilRetired: number;
}

/**
 * Measures the capacity of a hosted isolate with 2 s of CPU and 256 MB: the life of active rooms,
 * the cost of quiet rooms, and the number of members.
 */
export async function benchHosted(context: CaseContext): Promise<Line[]> {
  if (context.deno.version !== HOSTED_DENO) {
    context.progress(`left out: the hosted runtime is ${HOSTED_DENO}`);
    return [];
  }
  const tokens = await issueTokens(context.issuer, OFFERED_MEMBERS);
  const rounds: Round[] = [];
  for (let round = 1; round <= Math.min(context.rounds, MAX_ROUNDS); round++) {
    rounds.push(await measureRound(context, tokens, round));
  }
  const inMemory = await fillByMemory(context, tokens);
  context.progress(`${inMemory} members without a limit of CPU`);
  return linesOf(context, rounds, inMemory);
}

async function measureRound(context: CaseContext, tokens: readonly string[], seed: number): Promise<Round> {
  const rooms = new Map<string, RoomUse>();
  const measure = async (room: HostedRoom, dialect: ClientDialect): Promise<void> => {
    const use = await measureRoom(context, room, { tokens, dialect, seed });
    rooms.set(`${room.name}, ${dialect}`, use);
    context.progress(
      `round ${seed}, ${room.name}, ${dialect}: ${use.cpuMsPerSecond.toFixed(2)} ms of CPU a second, ` +
        `${use.traffic.deliveries} deliveries, sent away after ${use.lifeSeconds.toFixed(1)} s`,
    );
  };
  // The order alternates between rounds.
  const dialects = seed % 2 === 1 ? DIALECTS : DIALECTS.toReversed();
  // All at once, because quiet rooms need little CPU.
  await Promise.all(QUIET.flatMap((room) => dialects.map((dialect) => measure(room, dialect))));
  for (const room of ACTIVE) for (const dialect of dialects) await measure(room, dialect);
  const untilRetired = await fillByCpu(context, tokens.slice(0, USERS_OF_JOINS));
  context.progress(`round ${seed}: ${untilRetired} members until the isolate is retired`);
  return { rooms, untilRetired };
}

/**
 * Lines of the case. Ours is `realtime.v1` and the peer is plain clients, unless a line says
 * otherwise.
 */
function linesOf({ deno }: CaseContext, rounds: readonly Round[], inMemory: number): Line[] {
  const line = (measured: Omit<Measured, "case" | "deno">): Line =>
    toLine({ case: "hosted", deno: deno.version, ...measured });
  const roomLine = (room: HostedRoom, what: string, unit: string, read: (use: RoomUse) => number): Line => {
    const of = (dialect: ClientDialect): number[] =>
      rounds.map(({ rooms }) => {
        const use = rooms.get(`${room.name}, ${dialect}`);
        if (!use) throw new Error(`${room.name} was not measured`);
        return read(use);
      });
    const figure = `${room.name}: ${what}`;
    return line({ figure, unit, ours: of("rooms.v1"), peerName: "plain clients", peer: of("rooms") });
  };
  return [
    ...ACTIVE.map((room) =>
      roomLine(room, "deliveries of an isolate", "deliveries", ({ traffic }) => traffic.deliveries)
    ),
    ...[...ACTIVE, ...QUIET].flatMap((room) => [
      roomLine(room, "CPU a second", "ms", ({ cpuMsPerSecond }) => cpuMsPerSecond),
      roomLine(room, "until it is sent away", "s", ({ lifeSeconds }) => lifeSeconds),
    ]),
    line({
      figure: "members until half of the CPU is used, and others are sent elsewhere",
      unit: "members",
      ours: rounds.map(({ untilRetired }) => untilRetired),
      peerName: "MAX_CONNECTIONS",
      peer: rounds.map(() => MAX_CONNECTIONS),
    }),
    line({
      figure: "members in 256 MiB without a limit of CPU",
      unit: "members",
      ours: [inMemory],
      peerName: "MAX_CONNECTIONS",
      peer: [MAX_CONNECTIONS],
    }),
  ];
}
