import { openQuietRooms, type QuietCost, type QuietRooms } from "../hosted/quiet_rooms.ts";
import { fillByCpu, type JoinRates, measureJoins } from "../hosted/join_capacity.ts";
import type { HostedLoad } from "../hosted/hosted_load.ts";
import type { ClientDialect } from "../hosted/hosted_jobs.ts";
import { type ActiveRoom, type CpuExhaustion, exhaustCpu } from "../hosted/cpu_exhaustion.ts";
import type { CaseContext } from "./context.ts";

/** Rooms that are active until their isolate has no CPU left. */
export type ActiveRoomName = "paced" | "burst" | "cursor";
/** Rooms that are measured for a while. */
export type QuietRoomName = "chat" | "idle";

/** Results of one round. */
export interface HostedRound {
  readonly used: Readonly<Record<ActiveRoomName, Readonly<Record<ClientDialect, CpuExhaustion>>>>;
  readonly quiet: Readonly<Record<QuietRoomName, Readonly<Record<ClientDialect, QuietCost>>>>;
  readonly joins: JoinRates;
  /** Number of members at which the host retired the isolate, after half of its CPU. */
  readonly untilRetired: number;
}

/** Few enough that joining leaves half of the CPU, on a busy machine too. */
export const IDLE_MEMBERS = 300;
/** Default HEARTBEAT_MS of the function. */
const HEARTBEAT_MS = 25_000;
/** Longer than the life of any of these rooms. */
const TRAFFIC_MS = 90_000;

const CLIENT_DIALECTS: readonly ClientDialect[] = ["rooms.v1", "rooms"];
/** More joins than half of the CPU allows. */
const USERS_OF_JOINS = 3_000;

/**
 * Measures quiet rooms. Opens them one after the other and then measures all rounds concurrently,
 * because quiet rooms need little CPU.
 */
export async function measureQuiet(
  context: CaseContext,
  tokens: readonly string[],
  rounds: number,
): Promise<HostedRound["quiet"][]> {
  await using opened = new AsyncDisposableStack();
  const watches: (() => Promise<void>)[] = [];
  const costs = new Map<string, QuietCost>();
  const keyOf = (...key: [round: number, name: QuietRoomName, dialect: ClientDialect]): string =>
    key.join(", ");
  for (let round = 1; round <= rounds; round++) {
    for (const name of ["chat", "idle"] as const) {
      for (const dialect of CLIENT_DIALECTS) {
        const rooms = opened.use(
          await openQuietRooms(context, { tokens, rooms: quietRooms(name, dialect) }),
        );
        watches.push(async () => {
          const cost = await rooms.watch(round);
          costs.set(keyOf(round, name, dialect), cost);
          const text = cost.cpuMsPerSecond.toFixed(2);
          context.progress(`round ${round}, ${name}, ${dialect}: ${text} ms of CPU a second`);
        });
      }
    }
  }
  context.progress(`${watches.length} isolates with quiet rooms are measured for about 45 s`);
  await Promise.all(watches.map((watch) => watch()));
  return Array.from({ length: rounds }, (_, at) => {
    const of = (name: QuietRoomName): Record<ClientDialect, QuietCost> => ({
      "rooms.v1": found(costs, keyOf(at + 1, name, "rooms.v1")),
      rooms: found(costs, keyOf(at + 1, name, "rooms")),
    });
    return { chat: of("chat"), idle: of("idle") };
  });
}

/**
 * Measures one round of everything else, one isolate after the other. `seed` decides the moments of
 * publishing.
 */
export async function measureRound(
  context: CaseContext,
  load: HostedLoad,
  { tokens, seed }: { readonly tokens: readonly string[]; readonly seed: number },
): Promise<Omit<HostedRound, "quiet">> {
  const use = async (name: ActiveRoomName, dialect: ClientDialect): Promise<CpuExhaustion> => {
    const used = await exhaustCpu(context, load, { tokens, room: activeRoom(name, dialect, seed) });
    const seconds = (used.lastedMs / 1_000).toFixed(1);
    context.progress(
      `round ${seed}, ${name}, ${dialect}: ${used.traffic.deliveries} deliveries in ${seconds} s`,
    );
    return used;
  };
  const both = async (name: ActiveRoomName): Promise<Record<ClientDialect, CpuExhaustion>> => {
    // The order alternates between rounds.
    const order = seed % 2 === 1 ? CLIENT_DIALECTS : CLIENT_DIALECTS.toReversed();
    const measured = new Map<ClientDialect, CpuExhaustion>();
    for (const dialect of order) measured.set(dialect, await use(name, dialect));
    return { "rooms.v1": found(measured, "rooms.v1"), rooms: found(measured, "rooms") };
  };
  const used = { burst: await both("burst"), paced: await both("paced"), cursor: await both("cursor") };
  const joins = await measureJoins(context, load, tokens);
  const untilRetired = await fillByCpu(context, load, tokens.slice(0, USERS_OF_JOINS));
  context.progress(
    `round ${seed}: ${joins.known.toFixed(0)} joins a second of CPU with a known token, ` +
      `${joins.fresh.toFixed(0)} with a new one; ${untilRetired} members until it is retired`,
  );
  return { used, joins, untilRetired };
}

function activeRoom(name: ActiveRoomName, dialect: ClientDialect, seed: number): ActiveRoom {
  const common = { pingEveryMs: HEARTBEAT_MS, forMs: TRAFFIC_MS, seed };
  switch (name) {
    case "burst":
      return {
        members: 100,
        dialect,
        messageKind: "chat",
        traffic: (load, group) => load.publishBurst({ group, inFlight: 16 }),
      };
    case "paced":
      // Largest rate of one member by default.
      return {
        members: 100,
        dialect,
        messageKind: "chat",
        traffic: (load, group) => load.publishPaced({ ...common, group, publishers: 1, everyMs: 10 }),
      };
    case "cursor":
      return {
        members: 20,
        dialect,
        messageKind: "cursor",
        traffic: (load, group) => load.publishPaced({ ...common, group, publishers: 20, everyMs: 50 }),
      };
  }
}

function quietRooms(name: QuietRoomName, dialect: ClientDialect): QuietRooms {
  const common = { dialect, heartbeatMs: HEARTBEAT_MS };
  return name === "chat"
    ? { ...common, members: 50, roomSize: 50, everyMs: 50_000 }
    : { ...common, members: IDLE_MEMBERS, roomSize: 100, everyMs: Infinity };
}

function found<K, V>(measured: ReadonlyMap<K, V>, key: K): V {
  const value = measured.get(key);
  if (value === undefined) throw new Error(`${key} was not measured`);
  return value;
}
