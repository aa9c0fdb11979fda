import * as z from "zod/mini";
import { RoomId } from "../../schemas/room_id.ts";

/** The parameters of a room's address. */
export const RoomAddress = z.object({ id: RoomId });
