import { ERROR_MARKER } from "./dialect.ts";
import type { FanOutJob, TrafficResult } from "./job.ts";
import { createMarkerCounter } from "./marker.ts";
import { chatData, type Member, refusalText, takeAllDeliveries } from "./member.ts";
import type { SocketLoop } from "./socket_loop.ts";

/** Limit for the last messages to reach every member. */
const TIMEOUT_MS = 20_000;

const countErrors = createMarkerCounter(ERROR_MARKER);

/**
 * Publishes from `inFlight` members for `durationMs`, each after its own message has come back.
 * Returns once every member has received every message.
 *
 * @throws {Error} if a message is missing or was delivered twice, or the server refuses a publish.
 */
export function fanOut(loop: SocketLoop, members: readonly Member[], job: FanOutJob): TrafficResult {
  const { inFlight, durationMs } = job;
  const late = takeAllDeliveries(members);
  if (late > 0) throw new Error(`${late} deliveries more than were published`);
  let publishes = 0;
  let deliveries = 0;
  let publishing = inFlight;
  const startedAt = performance.now();
  for (const member of members) {
    member.onDelivery = (messages) => deliveries += messages;
  }
  for (let index = 0; index < inFlight; index++) {
    // Publishers are spread over the room, because servers iterate over members in order.
    const member = members[Math.floor(index * members.length / inFlight)];
    if (!member) throw new RangeError("more in flight than members");
    const ownMark = `~${index}~`;
    const data = chatData(ownMark);
    const countOwn = createMarkerCounter(ownMark);
    const publish = (): void => {
      publishes++;
      member.publish(data);
    };
    member.onDelivery = (messages, bytes, start, end) => {
      deliveries += messages;
      const own = countOwn(bytes, start, end);
      if (own > 1) throw new Error("a message came back twice");
      if (countErrors(bytes, start, end) > 0) throw new Error(refusalText(bytes, start, end));
      if (own === 0) return;
      if (performance.now() < startedAt + durationMs) publish();
      else publishing--;
    };
    publish();
  }
  loop.runUntil(
    () => publishing === 0 && deliveries >= publishes * members.length,
    durationMs + TIMEOUT_MS,
    () => `${deliveries} of ${publishes * members.length} deliveries arrived`,
  );
  const elapsedMs = performance.now() - startedAt;
  for (const member of members) {
    member.onDelivery = () => {};
    const received = member.takeDeliveries();
    if (received !== publishes) throw new Error(`a member received ${received} of ${publishes} messages`);
  }
  return { publishes, deliveries, pings: 0, elapsedMs, isEnded: false };
}
