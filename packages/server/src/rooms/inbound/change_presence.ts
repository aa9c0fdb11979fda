import type { PresenceFrame } from "../../../../protocol/frames.ts";
import { isDeeperThan } from "../../schemas/json_depth.ts";
import { MAX_JSON_DEPTH, MAX_STATE_BYTES } from "../../../../protocol/limits.ts";
import { isLargerThan } from "../../socket/frame_size.ts";
import { ackText } from "../outbound/frame_text.ts";
import type { $ZodType } from "zod/v4/core";
import { parseSchema } from "../../schemas/parse_schema.ts";
import type { Member } from "../member.ts";

/**
 * Handles a `presence` frame: enters, changes the state, or leaves. `schema` is that of the
 * endpoint's states, if it has one. Never rejects.
 */
export async function changePresence(
  member: Member,
  { id, state }: PresenceFrame,
  schema?: $ZodType,
): Promise<void> {
  if (!member.permissions.presence) {
    return member.error("forbidden", { id, message: "This user may not take part in this room's presence." });
  }
  if (isDeeperThan(state, MAX_JSON_DEPTH)) {
    return member.error("invalid_frame", {
      id,
      field: "state",
      message: `state is nested deeper than ${MAX_JSON_DEPTH} levels`,
    });
  }
  try {
    const parsed = schema && state !== null ? await parseSchema(schema, state) : { value: state };
    if (parsed.issue) {
      const field = ["state", ...parsed.issue.path].map(String).join(".");
      return member.error("invalid_frame", { id, field, message: `${field}: ${parsed.issue.message}` });
    }
    const { value } = parsed;
    if (typeof value !== "object" || Array.isArray(value) || (value === null) !== (state === null)) {
      throw new TypeError("The schema of presence returned no object. Return one.");
    }
    const text = JSON.stringify(value);
    if (isLargerThan(text, MAX_STATE_BYTES)) {
      return member.error("invalid_frame", {
        id,
        field: "state",
        message: `state may have ${MAX_STATE_BYTES} bytes as JSON`,
      });
    }
    if (value === null) await member.presence.leave();
    else await member.presence.enter(text);
    member.reply(ackText(id));
  } catch (error) {
    member.failed(error, id);
  }
}
