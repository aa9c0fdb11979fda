import { createMarkerCounter } from "../load/marker.ts";
import type { Crowd } from "./crowd.ts";
import type { BurstJob, HeardResult } from "./load_job.ts";
import type { MortalLoop } from "./mortal_loop.ts";

const PATIENCE_MS = 60_000;
/** Closed by the isolate one after the other, and what is on its way. */
const AFTERLIFE_MS = 1_500;

/** Publishes without a pause until the isolate has sent everybody away: each message by another member, since one may send 100 a second only. */
export function burst(loop: MortalLoop, crowd: Crowd, { inFlight }: BurstJob): HeardResult {
  crowd.takeHeard();
  const { members } = crowd;
  let turn = 0;
  const publishNext = (): void => {
    const at = turn++ % members.length;
    const member = members[at];
    if (member) crowd.publish(member, `~${at}~`);
  };
  for (const [at, member] of members.entries()) {
    const countOwn = createMarkerCounter(`~${at}~`);
    crowd.listen(member, (_messages, bytes, start, end) => {
      for (let own = countOwn(bytes, start, end); own > 0; own--) publishNext();
    });
  }
  const startedAt = performance.now();
  for (let started = 0; started < inFlight; started++) publishNext();
  const missing = (): string => "the isolate does not end";
  loop.runUntil(() => crowd.isEnded || crowd.isRefused, PATIENCE_MS, missing);
  const elapsedMs = performance.now() - startedAt;
  const until = performance.now() + AFTERLIFE_MS;
  loop.runUntil(
    () => crowd.isGone || crowd.isRefused || performance.now() > until,
    2 * AFTERLIFE_MS,
    missing,
  );
  for (const member of members) crowd.listen(member, () => {});
  return { ...crowd.takeHeard(), elapsedMs };
}
