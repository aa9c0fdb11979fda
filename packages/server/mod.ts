/**
 * Realtime Edge: socket endpoints behind verified users, for any host with Deno.
 * Rooms are in `@realtime-edge/server/rooms`.
 * @module
 */
export { serve } from "./src/host/serve.ts";
export { createServer, type Server, type ServerOptions } from "./src/host/create_server.ts";
export { realtime, type RealtimeOptions } from "./src/http/realtime.ts";
export { describe, type RouteDescription } from "./src/http/openapi/describe.ts";
export { endpoint } from "./src/http/endpoint.ts";
export { findToken, type TokenPlace } from "./src/http/find_token.ts";
export { provideUser, verifyUser, withUser } from "./src/http/middleware/provide_user.ts";
export { type SocketContext, type UpgradeOptions, upgradeWebSocket } from "./src/http/middleware/upgrade.ts";
export { validate } from "./src/http/middleware/validate.ts";
export { receiveJson } from "./src/socket/receive_json.ts";
export { secretKey } from "./src/http/middleware/secret_key.ts";
export { type ProblemOptions, RequestProblem } from "./src/http/middleware/problem.ts";
export type {
  ServerEmitOptions,
  ServerHistoryPage,
  ServerPageQuery,
  ServerPublishOptions,
  ServerRoom,
  ServerRooms,
} from "./src/rooms/server_code/server_rooms.ts";
export type { User } from "./src/auth/user.ts";
export type { DrainNotice, Socket, SocketClose, SocketHandlers } from "./src/socket/socket.ts";
