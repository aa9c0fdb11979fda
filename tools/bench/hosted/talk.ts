import { SeededRandom } from "../../support/seeded_random.ts";
import type { HostedGroup } from "./hosted_group.ts";
import type { HeardResult, TalkJob } from "./hosted_jobs.ts";
import type { MortalLoop } from "./mortal_loop.ts";

/** How far a send may be from its even pace, to either side, as a share of the pace: timers of browsers are not exact. */
const JITTER = 0.2;
/** What is later than this does not wait for the others of its moment any more. */
const LATE_MS = 5;
/** After so long what has arrived is read. */
const LONGEST_SLEEP_MS = 5;
/** Messages on their way when the last one was sent. */
const LAST_WORDS_MS = 300;
/** The isolate was killed: for so long what its host has taken in still arrives. */
const AFTERLIFE_MS = 1_500;
/** All that SeededRandom can tell apart. */
const RANGE = 2 ** 32;

/** Something that a member does again and again. */
interface Habit {
  dueAt: number;
  readonly everyMs: number;
  /** When it would be due without jitter. */
  beat: number;
  readonly act: () => void;
}

/**
 * Has members publish and ping at their paces, by timers: this thread sleeps in between, and of several that are due in the same
 * millisecond one is sent at each waking, since they are different people's.
 */
export async function talk(loop: MortalLoop, group: HostedGroup, job: TalkJob): Promise<HeardResult> {
  const random = seeded(job.seed);
  const startedAt = performance.now();
  const habits = habitsOf(group, job, startedAt, random);
  group.takeHeard();
  while (!group.isEnded) {
    const now = performance.now();
    if (now - startedAt >= job.forMs) break;
    for (let sent = 0; sent === 0 || (habits[0]?.dueAt ?? Infinity) < now - LATE_MS; sent++) {
      const habit = habits[0];
      if (!habit || habit.dueAt > now) break;
      habit.act();
      habit.beat += habit.everyMs;
      habit.dueAt = habit.beat + (random() * 2 - 1) * JITTER * habit.everyMs;
      habits.sort((one, other) => one.dueAt - other.dueAt);
    }
    await pause(Math.min(LONGEST_SLEEP_MS, (habits[0]?.dueAt ?? Infinity) - performance.now()));
    loop.lookOnce();
  }
  const elapsedMs = performance.now() - startedAt;
  const until = performance.now() + (group.isEnded ? AFTERLIFE_MS : LAST_WORDS_MS);
  while (performance.now() < until && !group.isGone) {
    await pause(LONGEST_SLEEP_MS);
    loop.lookOnce();
  }
  return { ...group.takeHeard(), elapsedMs };
}

function habitsOf(
  group: HostedGroup,
  { talkers, everyMs, pingEveryMs }: TalkJob,
  from: number,
  random: () => number,
): Habit[] {
  const habit = (act: () => void, period: number): Habit => {
    const beat = from + random() * period;
    return { act, everyMs: period, beat, dueAt: beat };
  };
  const talking = group.members.slice(0, talkers);
  const silent = everyMs < pingEveryMs ? group.members.slice(talkers) : group.members;
  const publishes = talking.map((member) => habit(() => group.publish(member), everyMs));
  const pings = (group.pings ? silent : []).map((member) => habit(() => group.ping(member), pingEveryMs));
  return [...publishes, ...pings].sort((one, other) => one.dueAt - other.dueAt);
}

/** From 0 to below 1, the same for the same seed. */
function seeded(seed: number): () => number {
  const random = new SeededRandom(seed);
  return () => random.below(RANGE) / RANGE;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(1, ms)));
}
