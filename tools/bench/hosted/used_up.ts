import type { CaseContext } from "../cases/context.ts";
import { HostedIsolate } from "./hosted_isolate.ts";
import type { HostedLoad } from "./hosted_load.ts";
import type { HeardResult, JoinJob } from "./hosted_jobs.ts";

/** A room that is used until its isolate has no CPU left. */
export interface ActiveRoom {
  readonly members: number;
  readonly speech: JoinJob["speech"];
  readonly says: JoinJob["says"];
  /** Lets the group talk until the isolate sends it away. */
  readonly talk: (load: HostedLoad, group: string) => Promise<HeardResult>;
}

/** What an isolate did with its CPU. */
export interface UsedUp {
  /** CPU when it listened: nothing was asked yet. In milliseconds, as all. */
  readonly bootCpuMs: number;
  /** CPU when all were in. */
  readonly joinedCpuMs: number;
  /** From the first message until the members were sent away. */
  readonly lastedMs: number;
  /** CPU of that time. */
  readonly talkCpuMs: number;
  readonly heard: HeardResult;
}

const CONCURRENCY = 5;

/** Boots an isolate, fills a room, and uses it until the host's warning has the function send everybody away. */
export async function useUp(
  context: CaseContext,
  load: HostedLoad,
  { tokens, room }: { readonly tokens: readonly string[]; readonly room: ActiveRoom },
): Promise<UsedUp> {
  await using isolate = await HostedIsolate.start(context);
  const { members, speech, says } = room;
  const group = "room";
  const urls = isolate.roomUrls("used", tokens.slice(0, members));
  await load.joinAll({ group, urls, speech, says, concurrency: CONCURRENCY });
  const joinedCpuMs = isolate.now.cpuMs;
  const heard = await room.talk(load, group);
  await load.close(group);
  const warned = isolate.happened("warned");
  if (!heard.isEnded || warned.reason !== "cpu") throw new Error("the isolate's CPU was not used up");
  return {
    bootCpuMs: isolate.happened("booted").cpuMs,
    joinedCpuMs,
    lastedMs: heard.elapsedMs,
    talkCpuMs: warned.cpuMs - joinedCpuMs,
    heard,
  };
}
