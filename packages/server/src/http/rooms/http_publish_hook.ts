import type { User } from "../../auth/user.ts";
import type { Outgoing } from "../../rooms/inbound/send.ts";
import type { EventSchemas } from "../../rooms/join_request.ts";
import type { RoomCode } from "../../rooms/server_code/room_code.ts";
import type { ServerRooms } from "../../rooms/server_code/server_rooms.ts";
import type { Deps } from "../context.ts";

/** The endpoint's code, made with the rooms; undefined if it has none. */
export type CodeOfEndpoint = ((rooms: ServerRooms) => RoomCode) | undefined;

/** A message over HTTP, for the hook. */
export interface HttpMessage {
  readonly message: Outgoing;
  /** The room's name with its endpoint. */
  readonly room: string;
  /** Undefined with a secret key. */
  readonly user: User | undefined;
  readonly events: EventSchemas | undefined;
}

/**
 * Asks `onPublish` about a message over HTTP, if the endpoint has one. Resolves with the message to
 * publish. Rejects as `askPublishHook`.
 */
export async function askHttpHook(
  code: CodeOfEndpoint,
  { message, room, user, events }: HttpMessage,
  { serverRooms: rooms, rooms: { limits } }: Deps,
): Promise<Outgoing> {
  const onPublish = code?.(rooms).onPublish;
  if (!onPublish) return message;
  const { askPublishHook } = await import("../../rooms/server_code/publish_hook.ts");
  const context = { user, connection: undefined, room: rooms.room(room), rooms };
  return await askPublishHook(onPublish, message, context, { events, limits });
}
