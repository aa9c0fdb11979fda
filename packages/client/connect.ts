import { ConnectedRoom } from "./connected_room.ts";
import { Connection } from "./connection/connection.ts";
import type { RoomOptions } from "./options.ts";
import { resolveOptions } from "./resolve_options.ts";
import type { AnyCalls, CallTypes, EventTypes, Room } from "./room.ts";

/**
 * Creates a room without opening it: no socket and no timer until `open()`. `connect` does both.
 * `Published` types the data of sent events, `Received` that of received ones, `Calls` the calls.
 * @throws {TypeError} naming the invalid option or address
 */
export function createRoom<
  Published extends EventTypes = Record<string, unknown>,
  Received extends EventTypes = Published,
  Calls extends CallTypes = AnyCalls,
>(url: string, options: RoomOptions): Room<Published, Received, Calls> {
  const resolved = resolveOptions(options);
  return new ConnectedRoom<Published, Received, Calls>(url, resolved, (events, addresses) => {
    return new Connection({ ...resolved, ...events, addresses });
  });
}

/** Connects to a room: creates and opens it. docs/client.md. @throws {TypeError} as `createRoom` */
export function connect<
  Published extends EventTypes = Record<string, unknown>,
  Received extends EventTypes = Published,
  Calls extends CallTypes = AnyCalls,
>(url: string, options: RoomOptions): Room<Published, Received, Calls> {
  const room = createRoom<Published, Received, Calls>(url, options);
  room.open();
  return room;
}
