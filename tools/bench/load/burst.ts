import { ERROR_MARKER } from "./dialect.ts";
import type { BurstJob, TrafficResult } from "./job.ts";
import { createMarkerCounter } from "./marker.ts";
import { chatData, type Member, refusalText, takeAllDeliveries } from "./member.ts";
import type { SocketLoop } from "./socket_loop.ts";

const TIMEOUT_MS = 60_000;
/** Wait for the isolate to close the remaining sockets, and for frames in flight. */
const AFTER_END_MS = 1_500;

const countErrors = createMarkerCounter(ERROR_MARKER);

/**
 * Publishes without a pause until the isolate has closed all sockets. Members take turns, because
 * one may send only 100 messages a second.
 * @throws {Error} if a publish is refused
 */
export function publishBurst(
  loop: SocketLoop,
  members: readonly Member[],
  { inFlight }: BurstJob,
): TrafficResult {
  takeAllDeliveries(members);
  let publishes = 0;
  let refusal: string | undefined;
  const publishNext = (): void => {
    const at = publishes++ % members.length;
    members[at]?.publish(chatData(`~${at}~`));
  };
  for (const [at, member] of members.entries()) {
    const countOwn = createMarkerCounter(`~${at}~`);
    member.onDelivery = (_messages, bytes, start, end) => {
      if (countErrors(bytes, start, end) > 0) refusal ??= refusalText(bytes, start, end);
      for (let own = countOwn(bytes, start, end); own > 0; own--) publishNext();
    };
  }
  const startedAt = performance.now();
  for (let started = 0; started < inFlight; started++) publishNext();
  const isEnded = (): boolean => members.some((member) => member.isGone);
  const missing = (): string => "the isolate has not closed all sockets";
  loop.runUntil(() => isEnded() || refusal !== undefined, TIMEOUT_MS, missing);
  if (refusal !== undefined) throw new Error(refusal);
  const elapsedMs = performance.now() - startedAt;
  const until = performance.now() + AFTER_END_MS;
  const isOver = (): boolean => performance.now() > until || members.every((member) => member.isGone);
  loop.runUntil(isOver, 2 * AFTER_END_MS, missing);
  for (const member of members) member.onDelivery = () => {};
  return { publishes, pings: 0, deliveries: takeAllDeliveries(members), elapsedMs, isEnded: isEnded() };
}
