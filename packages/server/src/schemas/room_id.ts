import * as z from "zod/mini";
import { ROOM_ID, ROOM_ID_ERROR } from "./field_errors.ts";

/** A room's name in an address (docs/protocol.md, "Addresses"). */
export const RoomId = z.string({ error: ROOM_ID_ERROR }).check(z.regex(ROOM_ID, ROOM_ID_ERROR));

/** Schema of the parameters of a room's address, for the types of `hc`. */
export type RoomAddress = z.ZodMiniObject<{ id: typeof RoomId }>;
