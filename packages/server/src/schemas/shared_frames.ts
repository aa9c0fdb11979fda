// Schemas of the frames that a client sends over a socket for many rooms. The compiler holds
// them to the types of packages/protocol.
import * as z from "zod/mini";
import type * as protocol from "../../../protocol/frames.ts";
import { MAX_PAGE } from "../../../protocol/limits.ts";
import { ClientFrame, FrameId, Offset } from "./client_frames.ts";
import { field } from "./field_text.ts";
import { historyText, START_CHECKS } from "./join_query.ts";
import type { Assert, Same } from "./same_type.ts";

const roomText = "must be ENDPOINT/ID, such as rooms/lobby, or ID alone for rooms/ID";
/**
 * One path segment and a room's id. `.` and `..` are refused, since URLs treat them as directories.
 */
const ROOM = /^(?:(?!\.\.?\/)[A-Za-z0-9._~-]{1,128}\/)?(?!\.\.?$)[A-Za-z0-9._~:-]{1,128}$/;
const RoomName = field(
  z.string({ error: roomText }).check(z.regex(ROOM, { error: roomText })),
  "`ENDPOINT/ID`, such as `rooms/lobby`; `lobby` alone means `rooms/lobby`",
);

/** The room that a frame names. */
export const FrameRoom = z.object({ room: RoomName });

/** Joins a room. */
export const JoinFrame = z.object({
  type: z.literal("join"),
  id: FrameId,
  room: RoomName,
  after: field(z.optional(Offset), "resume after this offset; with `epoch`"),
  epoch: field(z.optional(z.string({ error: "must be text" })), "the history that `after` belongs to"),
  connection: field(
    z.optional(z.string({ error: "must be text" })),
    "the connection in this room that a resume continues",
  ),
  history: field(
    z.optional(
      z.int({ error: historyText }).check(
        z.gte(0, { error: historyText }),
        z.lte(MAX_PAGE, { error: historyText }),
      ),
    ),
    `the last 0 to ${MAX_PAGE} messages first`,
  ),
}).check(...START_CHECKS);

/** Leaves a room. */
export const LeaveFrame = z.object({ type: z.literal("leave"), id: FrameId, room: RoomName });

/** Every frame of a client on a socket for many rooms. Frames of a room need `FrameRoom` too. */
export const SharedClientFrame = z.discriminatedUnion("type", [JoinFrame, LeaveFrame, ClientFrame], {
  error: "must be join, leave, publish, presence, history, call, auth or ping",
});

/** Fails to compile if a schema and its type in packages/protocol differ. */
export type CheckedSchemas = [
  Assert<Same<z.infer<typeof JoinFrame>, protocol.JoinFrame>>,
  Assert<Same<z.infer<typeof LeaveFrame>, protocol.LeaveFrame>>,
];
