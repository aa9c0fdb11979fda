import type { CaseContext } from "../cases/context.ts";
import { HostedIsolate } from "./hosted_isolate.ts";
import type { HostedLoad } from "./hosted_load.ts";
import type { JoinJob, TrafficResult } from "./hosted_jobs.ts";

/** Room with traffic until its isolate has no CPU left. */
export interface ActiveRoom {
  readonly members: number;
  readonly dialect: JoinJob["dialect"];
  readonly messageKind: JoinJob["messageKind"];
  /** Runs the group's traffic until the isolate closes the sockets. */
  readonly traffic: (load: HostedLoad, group: string) => Promise<TrafficResult>;
}

/** Use of an isolate's CPU. */
export interface CpuExhaustion {
  /** CPU at the start, before the first request, in milliseconds like all fields. */
  readonly bootCpuMs: number;
  /** CPU once all members had joined. */
  readonly joinedCpuMs: number;
  /** Time from the first message until the isolate closed the sockets. */
  readonly lastedMs: number;
  /** CPU during that time. */
  readonly trafficCpuMs: number;
  readonly traffic: TrafficResult;
}

const CONCURRENCY = 5;

/**
 * Starts an isolate, fills a room, and runs traffic until the host's warning makes the function
 * close all sockets.
 */
export async function exhaustCpu(
  context: CaseContext,
  load: HostedLoad,
  { tokens, room }: { readonly tokens: readonly string[]; readonly room: ActiveRoom },
): Promise<CpuExhaustion> {
  await using isolate = await HostedIsolate.start(context);
  const { members, dialect, messageKind } = room;
  const group = "room";
  const urls = isolate.roomUrls("used", tokens.slice(0, members));
  await load.joinAll({ group, urls, dialect, messageKind, concurrency: CONCURRENCY });
  const joinedCpuMs = isolate.now.cpuMs;
  const traffic = await room.traffic(load, group);
  await load.close(group);
  const warned = isolate.requireEvent("warned");
  if (!traffic.isEnded || warned.reason !== "cpu") {
    throw new Error(`the isolate ended for ${warned.reason} instead of cpu: its CPU was not exhausted`);
  }
  return {
    bootCpuMs: isolate.requireEvent("booted").cpuMs,
    joinedCpuMs,
    lastedMs: traffic.elapsedMs,
    trafficCpuMs: warned.cpuMs - joinedCpuMs,
    traffic,
  };
}
