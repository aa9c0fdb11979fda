import type { Outgoing } from "../inbound/send.ts";
import type { EventSchemas } from "../join_request.ts";
import { dataText, text } from "./check_arguments.ts";
import type { PublishContext, RoomCode } from "./room_code.ts";
import { withinTime } from "./within_time.ts";
import type { RoomLimits } from "../../../../protocol/limits.ts";
import { MAX_EVENT_LENGTH } from "../../../../protocol/limits.ts";

/** Options of asking `onPublish`. */
export interface PublishHookOptions {
  readonly events: EventSchemas | undefined;
  readonly limits: Pick<RoomLimits, "hook_timeout_ms" | "max_frame_bytes">;
}

/**
 * Asks `onPublish` about a checked message, and returns the message as it is to be sent.
 * @throws {Refusal} as a rejection
 * @throws {TookTooLong} as a rejection
 * @throws {Error} as a rejection: the hook's own, or one that says what is wrong with its result
 */
export async function askPublishHook(
  onPublish: NonNullable<RoomCode["onPublish"]>,
  message: Outgoing,
  context: PublishContext,
  { events, limits }: PublishHookOptions,
): Promise<Outgoing> {
  const { id, event, data, from, ephemeral = false, to } = message;
  // Parsed again: whatever the hook does to the value, nobody else has it.
  const given = { id, event, data: JSON.parse(data), from, ephemeral, ...(to ? { to } : {}) } as never;
  const answer: unknown = await withinTime(onPublish(given, context), limits.hook_timeout_ms);
  if (typeof answer !== "object" || answer === null || !("event" in answer && "data" in answer)) {
    throw new TypeError("onPublish returned no message. Return the message, or a changed one.");
  }
  const changed = text("event", answer.event, MAX_EVENT_LENGTH);
  if (events && !events.has(changed)) {
    throw new TypeError(`event: must be one of ${[...events.keys()].join(", ")}`);
  }
  return { ...message, event: changed, data: dataText(answer.data, limits.max_frame_bytes) };
}
