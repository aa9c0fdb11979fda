import type { CaseContext } from "../cases/context.ts";
import { HostedIsolate } from "./hosted_isolate.ts";
import type { HostedLoad } from "./hosted_load.ts";

/** Joins per second of the isolate's CPU, up to `welcome` and the presence list. */
export interface JoinRates {
  readonly known: number;
  readonly fresh: number;
}

/** Number of idle members, each another user, that fit without a CPU limit. */
export interface MemoryCapacity {
  /** Number of sockets at the first refusal or at the host's warning. */
  readonly members: number;
  /**
   * Reason of the end: `admission`: the function refused a member; `warning`: the host warned
   * first; `offered`: all tokens were used.
   */
  readonly endedBy: "admission" | "warning" | "offered";
  /** Memory at the end as the host counts it, in bytes. */
  readonly memoryBytes: number;
  /** Memory of the isolate with its first member, in bytes. */
  readonly emptyBytes: number;
  /** Number of members that were refused because the isolate was full. */
  readonly refused: number;
}

const ROOM_SIZE = 100;
const CONCURRENCY = 20;
/** Joins before the measurement. */
const WARM_UPS = 100;
const JOINS_PER_TURN = 150;
const TURNS = ["known", "fresh", "fresh", "known"] as const;
const JOINS_PER_CHUNK = 50;
const MEMBERS_PER_CHUNK = 250;
/** Limit that is never reached. */
const PLENTY_MS = 3_600_000;

const JOB = { group: "joining", dialect: "rooms.v1", messageKind: "chat", concurrency: CONCURRENCY } as const;

/** Measures the CPU of a join with a cached token and with a new one. */
export async function measureJoins(
  context: CaseContext,
  load: HostedLoad,
  tokens: readonly string[],
): Promise<JoinRates> {
  await using isolate = await HostedIsolate.start(context);
  const fresh = tokens.values();
  const take = (count: number): string[] => [...fresh.take(count)];
  const known = take(WARM_UPS);
  await load.joinAll({ ...JOB, urls: isolate.roomUrls("known", known, ROOM_SIZE) });
  const cpuMs = { known: 0, fresh: 0 };
  for (const [turn, side] of TURNS.entries()) {
    const again = Array.from({ length: JOINS_PER_TURN }, (_, at) => known[at % known.length] ?? "");
    const used = side === "known" ? again : take(JOINS_PER_TURN);
    const before = isolate.now.cpuMs;
    await load.joinAll({ ...JOB, urls: isolate.roomUrls(`turn-${turn}`, used, ROOM_SIZE) });
    cpuMs[side] += isolate.now.cpuMs - before;
  }
  await load.close(JOB.group);
  if (isolate.booted > 1) throw new Error("the isolate was retired during the measurement of joins");
  const joins = JOINS_PER_TURN * TURNS.length / 2;
  return { known: joins / cpuMs.known * 1_000, fresh: joins / cpuMs.fresh * 1_000 };
}

/**
 * Joins new users until the host retires the isolate, after half of its CPU; returns the number of
 * members at that moment.
 */
export async function fillByCpu(
  context: CaseContext,
  load: HostedLoad,
  tokens: readonly string[],
): Promise<number> {
  await using isolate = await HostedIsolate.start(context);
  for (let from = 0; from < tokens.length; from += JOINS_PER_CHUNK) {
    const urls = isolate.roomUrls(`chunk-${from}`, tokens.slice(from, from + JOINS_PER_CHUNK));
    await load.joinAll({ ...JOB, urls });
    const retired = isolate.event("retired");
    if (!retired) continue;
    await load.close(JOB.group);
    return retired.sockets;
  }
  throw new Error(`the isolate was not retired after ${tokens.length} joins: use more tokens`);
}

/**
 * Joins new users until the function refuses one for memory, or the host warns; CPU is unlimited.
 */
export async function fillByMemory(
  context: CaseContext,
  load: HostedLoad,
  tokens: readonly string[],
): Promise<MemoryCapacity> {
  await using isolate = await HostedIsolate.start(context, {
    limits: { cpuSoftMs: PLENTY_MS, cpuHardMs: PLENTY_MS },
  });
  await load.joinAll({ ...JOB, urls: isolate.roomUrls("first", tokens.slice(0, 1)) });
  const emptyBytes = isolate.now.memoryBytes;
  let members = 1;
  let refused = 0;
  let endedBy: MemoryCapacity["endedBy"] = "offered";
  let { memoryBytes } = isolate.now;
  for (let from = 1; from < tokens.length && endedBy === "offered"; from += MEMBERS_PER_CHUNK) {
    const urls = isolate.roomUrls(`chunk-${from}`, tokens.slice(from, from + MEMBERS_PER_CHUNK), ROOM_SIZE);
    const result = await load.join({ ...JOB, urls });
    const warned = isolate.event("warned");
    members = warned?.sockets ?? members + result.joined;
    memoryBytes = warned?.memoryBytes ?? isolate.now.memoryBytes;
    refused = Object.values(result.refused).reduce((sum, count) => sum + count, 0);
    endedBy = warned ? "warning" : refused > 0 ? "admission" : "offered";
  }
  await load.close(JOB.group);
  return { members, endedBy, memoryBytes, emptyBytes, refused };
}
