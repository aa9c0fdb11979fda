import type { ErrorDetails } from "../../../../protocol/error_codes.ts";
import type { ClientFrame, JoinFrame, LeaveFrame } from "../../../../protocol/frames.ts";
import { MAX_ID_LENGTH, MAX_PAGE } from "../../../../protocol/limits.ts";
import * as errors from "../../schemas/field_errors.ts";
import { isObject } from "../../schemas/json_object.ts";
import { findStartFault, startOf } from "./join_start.ts";
import {
  type Fields,
  isName,
  isOffset,
  isOptionalText,
  isWhole,
  notAnObject,
  type ParsedFrame,
  wrong,
} from "./field_checks.ts";
import { ID_ERROR, parseByType } from "./parse_client_frame.ts";

/**
 * Parses a frame of a socket for many rooms, and drops unknown fields. The result is that of the
 * schema `SharedClientFrame`. The room of a room's frame is checked apart, with `frameRoom`.
 */
export function parseSharedFrame(value: unknown): ParsedFrame<JoinFrame | LeaveFrame | ClientFrame> {
  if (!isObject(value)) return notAnObject();
  switch (value.type) {
    case "join":
      return parseJoin(value);
    case "leave":
      return parseLeave(value);
    default:
      return parseByType(value) ?? wrong(value, "type", errors.SHARED_TYPE_ERROR);
  }
}

/** The room that a frame names, or undefined if it names none. */
export function frameRoom(value: unknown): string | undefined {
  return isObject(value) && isRoomName(value.room) ? value.room : undefined;
}

/** The details of a room's frame that names no room. */
export function wrongRoom(id: string): ErrorDetails {
  return { message: `room ${errors.ROOM_ERROR}`, id, field: "room" };
}

/** True for `ENDPOINT/ID`, or `ID` alone. */
function isRoomName(value: unknown): value is string {
  return typeof value === "string" && errors.ROOM_NAME.test(value);
}

function parseJoin(fields: Fields): ParsedFrame<JoinFrame> {
  const { id, room, after, epoch, connection, history } = fields;
  if (!isName(id, MAX_ID_LENGTH)) return wrong(fields, "id", ID_ERROR);
  if (!isRoomName(room)) return wrong(fields, "room", errors.ROOM_ERROR);
  if (after !== undefined && !isOffset(after)) return wrong(fields, "after", errors.OFFSET_ERROR);
  if (!isOptionalText(epoch)) return wrong(fields, "epoch", errors.TEXT_ERROR);
  if (!isOptionalText(connection)) return wrong(fields, "connection", errors.TEXT_ERROR);
  if (history !== undefined && !isWhole(history, 0, MAX_PAGE)) {
    return wrong(fields, "history", errors.HISTORY_ERROR);
  }
  const start = startOf({ after, epoch, connection, history });
  const fault = findStartFault(start);
  return fault ? wrong(fields, fault.field, fault.text) : { frame: { type: "join", id, room, ...start } };
}

function parseLeave(fields: Fields): ParsedFrame<LeaveFrame> {
  const { id, room } = fields;
  if (!isName(id, MAX_ID_LENGTH)) return wrong(fields, "id", ID_ERROR);
  return isRoomName(room) ? { frame: { type: "leave", id, room } } : wrong(fields, "room", errors.ROOM_ERROR);
}
