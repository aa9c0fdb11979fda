import { SeededRandom } from "../../support/seeded_random.ts";
import type { HostedGroup } from "./hosted_group.ts";
import type { PacedJob, TrafficResult } from "./hosted_jobs.ts";
import type { TolerantLoop } from "./tolerant_loop.ts";

/**
 * Maximum deviation of a send from its period, as a share of the period, because timers of browsers
 * are not exact.
 */
const JITTER = 0.2;
/** Overdue actions, later than this, are sent at once. */
const LATE_MS = 5;
/** Maximum sleep between two polls of the sockets. */
const LONGEST_SLEEP_MS = 5;
/** Wait for messages in flight after the last publish. */
const LAST_MESSAGES_MS = 300;
/** Wait for frames in the host's buffers after the isolate was killed. */
const AFTER_KILL_MS = 1_500;
/** Number of values of SeededRandom. */
const RANGE = 2 ** 32;

/** Periodic action of a member. */
interface ScheduledAction {
  dueAt: number;
  readonly everyMs: number;
  dueWithoutJitter: number;
  readonly act: () => void;
}

/**
 * Publishes and pings periodically, by timers. The thread sleeps in between. Of several actions due
 * in the same millisecond, each wake-up sends one, because they belong to different users.
 */
export async function publishPaced(
  loop: TolerantLoop,
  group: HostedGroup,
  job: PacedJob,
): Promise<TrafficResult> {
  const random = seeded(job.seed);
  const startedAt = performance.now();
  const schedule = scheduleOf(group, job, startedAt, random);
  group.takeTraffic();
  while (!group.isEnded) {
    const now = performance.now();
    if (now - startedAt >= job.forMs) break;
    for (let sent = 0; sent === 0 || (schedule[0]?.dueAt ?? Infinity) < now - LATE_MS; sent++) {
      const action = schedule[0];
      if (!action || action.dueAt > now) break;
      action.act();
      action.dueWithoutJitter += action.everyMs;
      action.dueAt = action.dueWithoutJitter + (random() * 2 - 1) * JITTER * action.everyMs;
      schedule.sort((one, other) => one.dueAt - other.dueAt);
    }
    await pause(Math.min(LONGEST_SLEEP_MS, (schedule[0]?.dueAt ?? Infinity) - performance.now()));
    loop.pollOnce();
  }
  const elapsedMs = performance.now() - startedAt;
  const until = performance.now() + (group.isEnded ? AFTER_KILL_MS : LAST_MESSAGES_MS);
  while (performance.now() < until && !group.isGone) {
    await pause(LONGEST_SLEEP_MS);
    loop.pollOnce();
  }
  return { ...group.takeTraffic(), elapsedMs };
}

function scheduleOf(
  group: HostedGroup,
  { publishers, everyMs, pingEveryMs }: PacedJob,
  from: number,
  random: () => number,
): ScheduledAction[] {
  const action = (act: () => void, period: number): ScheduledAction => {
    const dueWithoutJitter = from + random() * period;
    return { act, everyMs: period, dueWithoutJitter, dueAt: dueWithoutJitter };
  };
  const publishing = group.members.slice(0, publishers);
  const silent = everyMs < pingEveryMs ? group.members.slice(publishers) : group.members;
  const publishes = publishing.map((member) => action(() => group.publish(member), everyMs));
  const pings = (group.pings ? silent : []).map((member) => action(() => group.ping(member), pingEveryMs));
  return [...publishes, ...pings].sort((one, other) => one.dueAt - other.dueAt);
}

/** Random number from 0 to below 1, reproducible by the seed. */
function seeded(seed: number): () => number {
  const random = new SeededRandom(seed);
  return () => random.below(RANGE) / RANGE;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(1, ms)));
}
