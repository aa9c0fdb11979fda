import { createRoomEndpoint } from "../room_endpoint.ts";

/** `/rooms/:id`: rooms for any event with any data. */
export const rooms = createRoomEndpoint();
