/**
 * Endpoints of rooms: broadcast, presence, history and resume (docs/rooms.md).
 * @module
 */
export {
  type Events,
  roomEndpoint,
  type RoomEndpointOptions,
  type RoomEvents,
  type RoomMessages,
} from "./src/http/rooms/room_endpoint.ts";
export type { Authorize, RoomPermissions } from "./src/rooms/policy/authorize.ts";
