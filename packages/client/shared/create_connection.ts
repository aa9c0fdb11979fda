import type { ConnectionOptions, RoomConnection } from "./room_connection.ts";
import { SharedConnection } from "./shared_connection.ts";

/**
 * Creates a connection for many rooms: one WebSocket, one token, one heartbeat. It opens with the
 * first room, and closes five seconds after the last one.
 * @param url address of the function, such as `https://PROJECT.supabase.co/functions/v1/realtime`
 * @throws {TypeError} naming the invalid option or address
 */
export function createConnection(url: string, options: ConnectionOptions): RoomConnection {
  return new SharedConnection(url, options);
}
