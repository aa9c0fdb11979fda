import { createMarkerCounter } from "../load/marker.ts";
import type { HostedGroup } from "./hosted_group.ts";
import type { BurstJob, HeardResult } from "./hosted_jobs.ts";
import type { MortalLoop } from "./mortal_loop.ts";

const PATIENCE_MS = 60_000;
/** Closed by the isolate one after the other, and what is on its way. */
const AFTERLIFE_MS = 1_500;

/** Publishes without a pause until the isolate has sent everybody away: each message by another member, since one may send 100 a second only. */
export function burst(loop: MortalLoop, group: HostedGroup, { inFlight }: BurstJob): HeardResult {
  group.takeHeard();
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
  const missing = (): string => "the isolate does not end";
  loop.runUntil(() => group.isEnded || group.isRefused, PATIENCE_MS, missing);
  const elapsedMs = performance.now() - startedAt;
  const until = performance.now() + AFTERLIFE_MS;
  loop.runUntil(
    () => group.isGone || group.isRefused || performance.now() > until,
    2 * AFTERLIFE_MS,
    missing,
  );
  for (const member of members) group.listen(member, () => {});
  return { ...group.takeHeard(), elapsedMs };
}
