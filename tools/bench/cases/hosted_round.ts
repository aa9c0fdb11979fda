import { openQuietRooms, type QuietCost, type QuietRooms } from "../hosted/at_rest.ts";
import { fillByCpu, type JoinRates, measureJoins } from "../hosted/joining.ts";
import type { HostedLoad } from "../hosted/hosted_load.ts";
import type { Speech } from "../hosted/hosted_jobs.ts";
import { type ActiveRoom, type UsedUp, useUp } from "../hosted/used_up.ts";
import type { CaseContext } from "./context.ts";

/** The rooms that are used until their isolate has no CPU left. */
export type UsedRoomName = "paced" | "burst" | "cursor";
/** The rooms that are watched for a while. */
export type QuietRoomName = "chat" | "idle";

/** Results of one round. */
export interface HostedRound {
  readonly used: Readonly<Record<UsedRoomName, Readonly<Record<Speech, UsedUp>>>>;
  readonly quiet: Readonly<Record<QuietRoomName, Readonly<Record<Speech, QuietCost>>>>;
  readonly joins: JoinRates;
  /** Members when the isolate was given no more, its CPU being half used. */
  readonly untilRetired: number;
}

/** So few that their joining leaves half of the CPU, on a busy machine too. */
export const IDLE_MEMBERS = 300;
/** The function's default HEARTBEAT_MS. */
const HEARTBEAT_MS = 25_000;
/** Longer than any of these rooms lasts. */
const TALK_MS = 90_000;

const SPEECHES: readonly Speech[] = ["rooms.v1", "rooms"];
/** More than half of the CPU is enough for. */
const USERS_OF_JOINS = 3_000;

/** Quiet rooms: opened one after the other, then watched at the same time, all rounds, since that hardly uses the machine. */
export async function measureQuiet(
  context: CaseContext,
  tokens: readonly string[],
  rounds: number,
): Promise<HostedRound["quiet"][]> {
  await using opened = new AsyncDisposableStack();
  const watches: (() => Promise<void>)[] = [];
  const costs = new Map<string, QuietCost>();
  const keyOf = (...key: [round: number, name: QuietRoomName, speech: Speech]): string => key.join(", ");
  for (let round = 1; round <= rounds; round++) {
    for (const name of ["chat", "idle"] as const) {
      for (const speech of SPEECHES) {
        const rooms = opened.use(
          await openQuietRooms(context, { tokens, rooms: quietRooms(name, speech) }),
        );
        watches.push(async () => {
          const cost = await rooms.watch(round);
          costs.set(keyOf(round, name, speech), cost);
          const text = cost.cpuMsPerSecond.toFixed(2);
          context.progress(`round ${round}, ${name}, ${speech}: ${text} ms of CPU a second`);
        });
      }
    }
  }
  context.progress(`${watches.length} isolates with quiet rooms are watched for some 45 s`);
  await Promise.all(watches.map((watch) => watch()));
  return Array.from({ length: rounds }, (_, at) => {
    const of = (name: QuietRoomName): Record<Speech, QuietCost> => ({
      "rooms.v1": found(costs, keyOf(at + 1, name, "rooms.v1")),
      rooms: found(costs, keyOf(at + 1, name, "rooms")),
    });
    return { chat: of("chat"), idle: of("idle") };
  });
}

/** One round of all that is not quiet, one isolate after the other; `seed` decides who speaks when. */
export async function measureRound(
  context: CaseContext,
  load: HostedLoad,
  { tokens, seed }: { readonly tokens: readonly string[]; readonly seed: number },
): Promise<Omit<HostedRound, "quiet">> {
  const use = async (name: UsedRoomName, speech: Speech): Promise<UsedUp> => {
    const used = await useUp(context, load, { tokens, room: usedRoom(name, speech, seed) });
    const seconds = (used.lastedMs / 1_000).toFixed(1);
    context.progress(
      `round ${seed}, ${name}, ${speech}: ${used.heard.deliveries} deliveries in ${seconds} s`,
    );
    return used;
  };
  const both = async (name: UsedRoomName): Promise<Record<Speech, UsedUp>> => {
    // Who is first changes from round to round.
    const order = seed % 2 === 1 ? SPEECHES : SPEECHES.toReversed();
    const measured = new Map<Speech, UsedUp>();
    for (const speech of order) measured.set(speech, await use(name, speech));
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

function usedRoom(name: UsedRoomName, speech: Speech, seed: number): ActiveRoom {
  const common = { pingEveryMs: HEARTBEAT_MS, forMs: TALK_MS, seed };
  switch (name) {
    case "burst":
      return {
        members: 100,
        speech,
        says: "chat",
        talk: (load, group) => load.burst({ group, inFlight: 16 }),
      };
    case "paced":
      // The most that one member may publish by default.
      return {
        members: 100,
        speech,
        says: "chat",
        talk: (load, group) => load.talk({ ...common, group, talkers: 1, everyMs: 10 }),
      };
    case "cursor":
      return {
        members: 20,
        speech,
        says: "cursor",
        talk: (load, group) => load.talk({ ...common, group, talkers: 20, everyMs: 50 }),
      };
  }
}

function quietRooms(name: QuietRoomName, speech: Speech): QuietRooms {
  const common = { speech, heartbeatMs: HEARTBEAT_MS };
  return name === "chat"
    ? { ...common, members: 50, roomSize: 50, everyMs: 50_000 }
    : { ...common, members: IDLE_MEMBERS, roomSize: 100, everyMs: Infinity };
}

function found<K, V>(measured: ReadonlyMap<K, V>, key: K): V {
  const value = measured.get(key);
  if (value === undefined) throw new Error(`${key} was not measured`);
  return value;
}
