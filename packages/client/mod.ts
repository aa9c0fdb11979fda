/**
 * The client for rooms: browsers, Deno, Node 22, Bun. docs/client.md lists every option, event,
 * state and error.
 *
 * ```ts
 * const room = connect("https://PROJECT.supabase.co/functions/v1/realtime/rooms/lobby", { token });
 * room.onMessage("chat", ({ data, from }) => console.log(from.user, data));
 * const offset = await room.publish("chat", { text: "hello" });
 * ```
 *
 * @module
 */
export { type Clock, systemClock } from "./clock.ts";
export { connect, createRoom } from "./connect.ts";
export { requestTicket } from "./ticket.ts";
export { createConnection } from "./shared/create_connection.ts";
export type { ConnectionOptions, RoomConnection, SharedRoomOptions } from "./shared/room_connection.ts";
export {
  type ClientErrorCode,
  RoomError,
  type RoomErrorCode,
  type RoomErrorDetails,
  type ServerErrorCode,
} from "./errors.ts";
export type {
  ClientFrame,
  LeftMember,
  Message,
  Position,
  PresenceMember,
  Recipient,
  Sender,
  ServerFrame,
  UpdatedMember,
} from "../protocol/frames.ts";
export type {
  RoomOptions,
  TicketServer,
  TicketSource,
  TokenAnswer,
  TokenRequest,
  TokenSource,
  WebSocketClass,
  WebSocketLike,
} from "./options.ts";
export type { EventSchema, EventSchemas, InputOf, OutputOf } from "./event_schemas.ts";
export type { OutboxStorage, StoredMessage } from "./outbox_storage.ts";
export type {
  AnyCalls,
  CallArguments,
  CallInput,
  CallOutput,
  CallTypes,
  EmitOptions,
  EventName,
  EventTypes,
  FrameSeen,
  Gap,
  HistoryPage,
  PageQuery,
  Presence,
  PresenceChange,
  PublishOptions,
  Room,
  RoomListeners,
  RoomMessage,
  Undelivered,
} from "./room.ts";
export type { ClosedState, ConnectingState, IdleState, LiveState, RoomState, WaitingState } from "./state.ts";
