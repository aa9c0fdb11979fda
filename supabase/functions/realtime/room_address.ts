import * as z from "zod/mini";
import { RoomId } from "./protocol/room_id.ts";

/** What stands in a room's address. */
export const RoomAddress = z.object({ id: RoomId });
