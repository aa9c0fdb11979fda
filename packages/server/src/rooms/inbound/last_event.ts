import type { JoinFrom } from "../join_request.ts";

/**
 * Epoch of ids that no stream here has sent. No room has it, so a resume reports a `gap`, and a
 * foreign id never passes for a live start.
 */
const UNKNOWN_EPOCH = "unknown";

/** Start of a stream after the event that its client saw last: the value of `Last-Event-ID`. */
export function lastEvent(id: string): JoinFrom {
  const [, epoch = UNKNOWN_EPOCH, after = "0"] = /^(.{0,256}):(\d{1,15})$/.exec(id) ?? [];
  return { type: "resume", epoch, after: Number(after) };
}
