/**
 * Endpoints of rooms: broadcast, presence, history and resume (docs/rooms.md).
 * @module
 */
export {
  type Events,
  type RoomCalls,
  roomEndpoint,
  type RoomEndpointOptions,
  type RoomEvents,
  type RoomMessages,
} from "./src/http/rooms/room_endpoint.ts";
export { type Refusal, refuse } from "./src/rooms/server_code/refuse.ts";
export type {
  ChangedMessage,
  IncomingMessage,
  PublishContext,
  RoomContext,
  RoomHooks,
  RoomMethods,
} from "./src/rooms/server_code/room_code.ts";
export type { Authorize, RoomPermissions } from "./src/rooms/policy/authorize.ts";
