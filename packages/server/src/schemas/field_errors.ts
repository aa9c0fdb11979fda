// Texts about wrong fields. Schemas and the parsers of sockets use the same, and none needs zod.
import { MAX_PAGE } from "../../../protocol/limits.ts";

/** Text about a name: an id, an event, a method. */
export function nameError(max: number): string {
  return `must be text of 1 to ${max} characters`;
}

/** Text about an offset. */
export const OFFSET_ERROR = "must be a whole number, 0 or more";
/** Text about `limit` of a page. */
export const LIMIT_ERROR = `must be a whole number from 1 to ${MAX_PAGE}`;
/** Text about absent `data`. */
export const MISSING_ERROR = "is missing";
/** Text about `ephemeral` and `ack`. */
export const FLAG_ERROR = "must be true or false";
/** Text about `to`. */
export const TO_ERROR = 'must be {"user":…} or {"connection":…}, with text';
/** Text about `to`, `key` and `ack: false` of a durable message. */
export const EPHEMERAL_ONLY_ERROR = "goes with ephemeral messages only";
/** Text about `exclude`. */
export const EXCLUDE_ERROR = 'must be "self"';
/** Text about `state`. */
export const STATE_ERROR = "must be an object, or null to leave";
/** Text about a page with both ends, or none. */
export const ONE_END_ERROR = "or `before` must be given, and not both";
/** Text about a token, an epoch or a connection. */
export const TEXT_ERROR = "must be text";
/** Text about `type` on a room's own socket. */
export const TYPE_ERROR = "must be publish, presence, history, call, auth or ping";
/** Text about `type` on a socket for many rooms. */
export const SHARED_TYPE_ERROR = "must be join, leave, publish, presence, history, call, auth or ping";
/** Text about `room`. */
export const ROOM_ERROR = "must be ENDPOINT/ID, such as rooms/lobby, or ID alone for rooms/ID";
/** Text about a room's id in an address. */
export const ROOM_ID_ERROR = "must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ : -";
/** Text about `history` of a join. */
export const HISTORY_ERROR = `must be a whole number from 0 to ${MAX_PAGE}`;
/** Text about an offset in a query. */
export const OFFSET_TEXT_ERROR = "must be an offset: a whole number, 0 or more";
/** Text about an empty `epoch`. */
export const EMPTY_EPOCH_ERROR = "must not be empty, except with after=0";
/** Text about an `after` without `epoch`. */
export const EPOCH_NEEDED_ERROR = "goes with after: the epoch that the offset belongs to";
/** Text about an `epoch` without `after`. */
export const AFTER_NEEDED_ERROR = "goes with epoch: the offset of the last message that the client has";
/** Text about a `connection` without `after`. */
export const CONNECTION_ERROR = "goes with after and epoch: the connection that a resume continues";
/** Text about `history` beside `after`. */
export const HISTORY_AND_AFTER_ERROR = "does not go with after: a resume brings what was missed";

/** A room's name in an address (docs/protocol.md, "Addresses"). */
export const ROOM_ID = /^[A-Za-z0-9._~:-]{1,128}$/;
/**
 * One path segment and a room's id. `.` and `..` are refused, since URLs treat them as directories.
 */
export const ROOM_NAME = /^(?:(?!\.\.?\/)[A-Za-z0-9._~-]{1,128}\/)?(?!\.\.?$)[A-Za-z0-9._~:-]{1,128}$/;
