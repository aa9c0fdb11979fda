import { roomEndpoint } from "@realtime-edge/server/rooms";
import { authenticate } from "../middleware/auth.ts";

/** `/rooms/:id`: rooms for any event with any data. */
export const rooms = roomEndpoint({ authenticate });
