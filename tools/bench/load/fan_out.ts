import { ERROR_MARKER } from "./dialect.ts";
import type { FanOutJob, FanOutResult } from "./job.ts";
import { createMarkerCounter } from "./marker.ts";
import type { Member } from "./member.ts";
import type { SocketLoop } from "./socket_loop.ts";

/** Size of a chat message's JSON, the same in every case. */
const CHAT_BYTES = 100;
/** Limit for the last messages to reach every member. */
const TIMEOUT_MS = 20_000;

const countErrors = createMarkerCounter(ERROR_MARKER);

/**
 * Publishes from `inFlight` members for `durationMs`, each after its own message has come back.
 * Returns once every member has received every message.
 *
 * @throws {Error} if a message is missing or was delivered twice, or the server refuses a publish.
 */
export function fanOut(
  loop: SocketLoop,
  members: readonly Member[],
  { inFlight, durationMs }: FanOutJob,
): FanOutResult {
  const late = members.reduce((sum, member) => sum + member.takeDelivered().messages, 0);
  if (late > 0) throw new Error(`${late} deliveries more than were published`);
  let publishes = 0;
  let deliveries = 0;
  let publishing = inFlight;
  const until = performance.now() + durationMs;
  for (const member of members) {
    member.onDelivery = (messages) => deliveries += messages;
  }
  for (let index = 0; index < inFlight; index++) {
    // Publishers are spread over the room, because servers iterate over members in order.
    const member = members[Math.floor(index * members.length / inFlight)];
    if (!member) throw new RangeError("more in flight than members");
    const ownMark = `~${index}~`;
    const data = JSON.stringify({ text: ownMark.padEnd(CHAT_BYTES - '{"text":""}'.length, "x") });
    const countOwn = createMarkerCounter(ownMark);
    const publish = (): void => {
      publishes++;
      member.publish(data);
    };
    member.onDelivery = (messages, bytes, start, end) => {
      deliveries += messages;
      const own = countOwn(bytes, start, end);
      if (own > 1) throw new Error("a message came back twice");
      if (countErrors(bytes, start, end) > 0) {
        throw new Error(`refused: ${new TextDecoder().decode(bytes.subarray(start, end)).slice(0, 500)}`);
      }
      if (own === 0) return;
      if (performance.now() < until) publish();
      else publishing--;
    };
    publish();
  }
  loop.runUntil(
    () => publishing === 0 && deliveries >= publishes * members.length,
    durationMs + TIMEOUT_MS,
    () => `${deliveries} of ${publishes * members.length} deliveries arrived`,
  );
  return total(members, publishes);
}

function total(members: readonly Member[], publishes: number): FanOutResult {
  let webSocketMessages = 0;
  let bytes = 0;
  for (const member of members) {
    member.onDelivery = () => {};
    const delivered = member.takeDelivered();
    if (delivered.messages !== publishes) {
      throw new Error(`a member received ${delivered.messages} of ${publishes} messages`);
    }
    webSocketMessages += delivered.webSocketMessages;
    bytes += delivered.bytes;
  }
  return { publishes, deliveries: publishes * members.length, webSocketMessages, bytes };
}
