// Schemas of the frames that a client sends over a socket for many rooms, for docs and tests. The
// compiler holds them to the types of packages/protocol, and a property test to the parser
// (rooms/inbound/parse_shared_frame.ts).
import * as z from "zod/mini";
import type * as protocol from "../../../protocol/frames.ts";
import { MAX_PAGE } from "../../../protocol/limits.ts";
import { ClientFrame, FrameId, Offset } from "./client_frames.ts";
import { HISTORY_ERROR, ROOM_ERROR, ROOM_NAME, SHARED_TYPE_ERROR, TEXT_ERROR } from "./field_errors.ts";
import { field } from "./field_text.ts";
import { START_CHECKS } from "./join_query.ts";
import type { Assert, Same } from "./same_type.ts";

const RoomName = field(
  z.string({ error: ROOM_ERROR }).check(z.regex(ROOM_NAME, { error: ROOM_ERROR })),
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
  epoch: field(z.optional(z.string({ error: TEXT_ERROR })), "the history that `after` belongs to"),
  connection: field(
    z.optional(z.string({ error: TEXT_ERROR })),
    "the connection in this room that a resume continues",
  ),
  history: field(
    z.optional(
      z.int({ error: HISTORY_ERROR }).check(
        z.gte(0, { error: HISTORY_ERROR }),
        z.lte(MAX_PAGE, { error: HISTORY_ERROR }),
      ),
    ),
    `the last 0 to ${MAX_PAGE} messages first`,
  ),
}).check(...START_CHECKS);

/** Leaves a room. */
export const LeaveFrame = z.object({ type: z.literal("leave"), id: FrameId, room: RoomName });

/** Every frame of a client on a socket for many rooms. Frames of a room need `FrameRoom` too. */
export const SharedClientFrame = z.discriminatedUnion("type", [JoinFrame, LeaveFrame, ClientFrame], {
  error: SHARED_TYPE_ERROR,
});

/** Fails to compile if a schema and its type in packages/protocol differ. */
export type CheckedSchemas = [
  Assert<Same<z.infer<typeof JoinFrame>, protocol.JoinFrame>>,
  Assert<Same<z.infer<typeof LeaveFrame>, protocol.LeaveFrame>>,
];
