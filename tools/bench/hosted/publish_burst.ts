import { createMarkerCounter } from "../load/marker.ts";
import type { HostedGroup } from "./hosted_group.ts";
import type { BurstJob, TrafficResult } from "./hosted_jobs.ts";
import type { TolerantLoop } from "./tolerant_loop.ts";

const TIMEOUT_MS = 60_000;
/** Wait for the isolate to close the remaining sockets, and for frames in flight. */
const AFTER_END_MS = 1_500;

/**
 * Publishes without a pause until the isolate has closed all sockets. Members take turns, because
 * one may send only 100 messages a second.
 */
export function publishBurst(loop: TolerantLoop, group: HostedGroup, { inFlight }: BurstJob): TrafficResult {
  group.takeTraffic();
  const { members } = group;
  let turn = 0;
  const publishNext = (): void => {
    const at = turn++ % members.length;
    const member = members[at];
    if (member) group.publish(member, `~${at}~`);
  };
  for (const [at, member] of members.entries()) {
    const countOwn = createMarkerCounter(`~${at}~`);
    group.listen(member, (_messages, bytes, start, end) => {
      for (let own = countOwn(bytes, start, end); own > 0; own--) publishNext();
    });
  }
  const startedAt = performance.now();
  for (let started = 0; started < inFlight; started++) publishNext();
  const missing = (): string => "the isolate has not closed all sockets";
  loop.runUntil(() => group.isEnded || group.isRefused, TIMEOUT_MS, missing);
  const elapsedMs = performance.now() - startedAt;
  const until = performance.now() + AFTER_END_MS;
  loop.runUntil(
    () => group.isGone || group.isRefused || performance.now() > until,
    2 * AFTER_END_MS,
    missing,
  );
  for (const member of members) group.listen(member, () => {});
  return { ...group.takeTraffic(), elapsedMs };
}
