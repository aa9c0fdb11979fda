import type { CaseContext } from "../cases/context.ts";
import { Load } from "../harness/load.ts";
import { startHostedIsolate } from "./isolate.ts";

const ROOM_SIZE = 100;
const JOINS_PER_CHUNK = 50;
const MEMBERS_PER_CHUNK = 250;
/** Limit that is never reached. */
const PLENTY_MS = 3_600_000;

const JOB = { type: "open", group: "joining", dialect: "rooms.v1", concurrency: 20, mayFail: true } as const;

/**
 * Joins new users until the host retires the isolate, after half of its CPU; returns the number of
 * members at that moment.
 */
export async function fillByCpu(context: CaseContext, tokens: readonly string[]): Promise<number> {
  await using isolate = await startHostedIsolate(context);
  await using load = await Load.start();
  for (let from = 0; from < tokens.length; from += JOINS_PER_CHUNK) {
    const urls = isolate.roomUrls(`chunk-${from}`, tokens.slice(from, from + JOINS_PER_CHUNK));
    await load.run({ ...JOB, urls });
    const retired = isolate.event("retired");
    if (retired) return retired.sockets;
  }
  throw new Error(`the isolate was not retired after ${tokens.length} joins: use more tokens`);
}

/**
 * Joins new users until the function refuses one for memory, or the host warns; CPU is unlimited.
 * Returns the number of members then, at most one for each token.
 */
export async function fillByMemory(context: CaseContext, tokens: readonly string[]): Promise<number> {
  const limits = { cpuSoftMs: PLENTY_MS, cpuHardMs: PLENTY_MS };
  await using isolate = await startHostedIsolate(context, { limits });
  await using load = await Load.start();
  let members = 0;
  for (let from = 0; from < tokens.length; from += MEMBERS_PER_CHUNK) {
    const urls = isolate.roomUrls(`chunk-${from}`, tokens.slice(from, from + MEMBERS_PER_CHUNK), ROOM_SIZE);
    const { joined } = await load.run({ ...JOB, urls });
    const warned = isolate.event("warned");
    if (warned) return warned.sockets;
    members += joined;
    if (joined < urls.length) return members;
  }
  return members;
}
