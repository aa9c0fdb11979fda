import { delay } from "@std/async";
import { residentBytes } from "../../support/processes/resident_memory.ts";
import { Load } from "../harness/load.ts";
import { startServer } from "../harness/program.ts";
import { otherSides, OURS, ourSide, RAW, rawSide, type Side } from "../harness/sides.ts";
import type { Measured } from "../report/line.ts";
import { type CaseContext, issueTokens } from "./context.ts";

const ROOM_SIZE = 100;
/**
 * Members before the first measurement: a process allocates memory with its first members that is
 * not theirs.
 */
const FIRST_MEMBERS = ROOM_SIZE;
/** Number of members for the memory per member. */
const MEMBERS = 4_000;
/** Number of members that have to fit in an isolate. */
const MANY_MEMBERS = 8_000;
const ISOLATE_MEGABYTES = 256;
const TARGET = 1.5;
/** Limited, because memory varies little between rounds, and a round is long. */
const MAX_ROUNDS = 3;
/** Waits after joining. V8 collects garbage about eight seconds after it became idle, if at all. */
const SETTLE_MS = { first: 1_000, all: 4_000, many: 12_000 } as const;
const CONCURRENCY = 20;
const KILOBYTE = 1_024;
const MEGABYTE = 1_024 ** 2;

/** Memory of one side in one round. */
interface Memory {
  readonly kilobytesPerMember: number;
  /** Megabytes of 8,000 members; 0 for a peer. */
  readonly megabytesOfMany: number;
}

/**
 * Measures the memory of an idle member, each another user, in rooms of 100; and of 8,000 members,
 * which have to fit in an isolate.
 */
export async function benchMembers(context: CaseContext): Promise<Measured[]> {
  const ours = await ourSide(context, "rooms.v1");
  const peers = [await rawSide(context, "room"), ...await otherSides(context, "room")];
  const tokens = await issueTokens(context.issuer, MANY_MEMBERS);
  const rounds: Map<string, Memory>[] = [];
  for (let round = 1; round <= Math.min(context.rounds, MAX_ROUNDS); round++) {
    const measured = new Map<string, Memory>();
    rounds.push(measured);
    for (const side of [ours, ...peers]) {
      const memory = await measureMemory(side, tokens);
      measured.set(side.label, memory);
      context.progress(`round ${round}, ${side.label}: ${JSON.stringify(memory)}`);
    }
  }
  const figures = (label: string, field: keyof Memory): number[] =>
    rounds.map((measured) => measured.get(label)?.[field] ?? NaN);
  return [
    ...peers.map(({ label }) => ({
      figure: `memory per idle member at ${MEMBERS}`,
      unit: "KB",
      ours: figures(OURS, "kilobytesPerMember"),
      peerName: label,
      peer: figures(label, "kilobytesPerMember"),
      target: label === RAW ? TARGET : undefined,
    })),
    {
      figure: `memory of ${MANY_MEMBERS} idle members`,
      unit: "MB",
      ours: figures(OURS, "megabytesOfMany"),
      peerName: "an isolate's memory",
      peer: rounds.map(() => ISOLATE_MEGABYTES),
      target: 1,
    },
  ];
}

/** Measures a new server. Its sockets are those of a load generator of its own. */
async function measureMemory(
  { label, program, dialect, url }: Side,
  tokens: readonly string[],
): Promise<Memory> {
  await using server = await startServer(program);
  await using load = await Load.start();
  let members = 0;
  /** Adds members up to `count`; returns the resident bytes once the server has settled. */
  const fill = async (count: number, settleMs: number): Promise<number> => {
    const urls = tokens.slice(members, count).map((token, at) =>
      url(server.port, { token, room: `bench-${Math.floor((members + at) / ROOM_SIZE)}` })
    );
    members = count;
    await load.run({ type: "open", group: label, concurrency: CONCURRENCY, urls, dialect });
    await delay(settleMs);
    return residentBytes(server.pid);
  };
  await delay(SETTLE_MS.first);
  const atStart = residentBytes(server.pid);
  const withFirst = await fill(FIRST_MEMBERS, SETTLE_MS.first);
  const kilobytesPerMember = (await fill(MEMBERS, SETTLE_MS.all) - withFirst) / (MEMBERS - FIRST_MEMBERS) /
    KILOBYTE;
  if (label !== OURS) return { kilobytesPerMember, megabytesOfMany: 0 };
  const withMany = await fill(MANY_MEMBERS, SETTLE_MS.many);
  return { kilobytesPerMember, megabytesOfMany: (withMany - atStart) / MEGABYTE };
}
