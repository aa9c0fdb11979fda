import { delay } from "@std/async";
import { SeededRandom } from "../../support/seeded_random.ts";
import { ERROR_MARKER } from "./dialect.ts";
import type { PacedJob, TrafficResult } from "./job.ts";
import { createMarkerCounter } from "./marker.ts";
import { chatData, encodeText, type Member, refusalText, takeAllDeliveries } from "./member.ts";
import type { SocketLoop } from "./socket_loop.ts";

/**
 * Maximum deviation of a send from its period, as a share of the period, because timers of browsers
 * are not exact.
 */
const JITTER = 0.2;
/** Overdue messages, later than this, are sent at once. */
const LATE_MS = 5;
/** Maximum sleep between two polls of the sockets. */
const LONGEST_SLEEP_MS = 5;
/** Wait for messages in flight after the last publish. */
const LAST_MESSAGES_MS = 300;
/** Wait for frames in the host's buffers after the isolate was killed. */
const AFTER_KILL_MS = 1_500;
/** Number of values of SeededRandom. */
const RANGE = 2 ** 32;

const PING = encodeText('{"type":"ping","id":"ping"}');
const CHAT = chatData();
const countErrors = createMarkerCounter(ERROR_MARKER);

/** Periodic message of a member. */
interface ScheduledPublish {
  dueAt: number;
  dueWithoutJitter: number;
  readonly publish: () => void;
}

/**
 * Publishes periodically, by timers. The thread sleeps in between. Of several messages due in the
 * same millisecond, each wake-up sends one, because they belong to different users.
 * @throws {Error} if a publish is refused
 */
export async function publishPaced(
  loop: SocketLoop,
  members: readonly Member[],
  job: PacedJob,
): Promise<TrafficResult> {
  const random = new SeededRandom(job.seed);
  const share = (): number => random.below(RANGE) / RANGE;
  let refusal: string | undefined;
  const startedAt = performance.now();
  const sent = { publishes: 0, pings: 0 };
  const schedule: ScheduledPublish[] = [];
  for (const [at, member] of members.entries()) {
    let sentAt = startedAt;
    member.onDelivery = (_messages, bytes, start, end) => {
      if (countErrors(bytes, start, end) > 0) refusal ??= refusalText(bytes, start, end);
      // Like the client: once it has been silent, the next frame is the occasion for a ping.
      if (!member.pings || performance.now() < sentAt + job.pingEveryMs) return;
      sentAt = performance.now();
      sent.pings++;
      member.socket.send(PING);
    };
    if (at >= job.publishers) continue;
    const dueAt = startedAt + share() * job.everyMs;
    const publish = (): void => {
      sentAt = performance.now();
      sent.publishes++;
      if (job.message === "chat") member.publish(CHAT);
      else member.socket.send(encodeText(cursorFrame(sent.publishes, job.message === "keyed cursor")));
    };
    schedule.push({ dueAt, dueWithoutJitter: dueAt, publish });
  }
  schedule.sort((one, other) => one.dueAt - other.dueAt);
  takeAllDeliveries(members);
  const isEnded = (): boolean => members.some((member) => member.isGone);
  while (!isEnded() && refusal === undefined) {
    const now = performance.now();
    if (now - startedAt >= job.forMs) break;
    for (let acts = 0; acts === 0 || (schedule[0]?.dueAt ?? Infinity) < now - LATE_MS; acts++) {
      const next = schedule[0];
      if (!next || next.dueAt > now) break;
      next.publish();
      next.dueWithoutJitter += job.everyMs;
      next.dueAt = next.dueWithoutJitter + (share() * 2 - 1) * JITTER * job.everyMs;
      schedule.sort((one, other) => one.dueAt - other.dueAt);
    }
    const untilNext = (schedule[0]?.dueAt ?? Infinity) - performance.now();
    await delay(Math.min(LONGEST_SLEEP_MS, Math.max(1, untilNext)));
    loop.pollOnce();
  }
  if (refusal !== undefined) throw new Error(refusal);
  const elapsedMs = performance.now() - startedAt;
  const until = performance.now() + (isEnded() ? AFTER_KILL_MS : LAST_MESSAGES_MS);
  while (performance.now() < until && members.some((member) => !member.isGone)) {
    await delay(LONGEST_SLEEP_MS);
    loop.pollOnce();
  }
  return { ...sent, deliveries: takeAllDeliveries(members), elapsedMs, isEnded: isEnded() };
}

/** Position of a pointer: ephemeral, because the next one replaces it a moment later. */
function cursorFrame(id: number, isKeyed: boolean): string {
  const keyed = isKeyed ? ',"key":"cursor","ack":false' : "";
  return `{"type":"publish","id":"m-${id}","event":"cursor","data":{"x":0.4137,"y":0.7301},"ephemeral":true${keyed}}`;
}
