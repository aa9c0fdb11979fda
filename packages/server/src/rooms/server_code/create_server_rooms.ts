import type { RoomAccessDeps } from "./room_access.ts";
import type { ServerRoom, ServerRooms } from "./server_rooms.ts";

/** Endpoint of a room whose name has no endpoint. */
const DEFAULT_ENDPOINT = "rooms";
/** The same names as in `rooms.publish()` of SQL. */
const ROOM_NAME = /^[^/]{1,128}\/[A-Za-z0-9._~:-]{1,128}$/;

/** Creates the rooms for server code. Their code is loaded at the first call. */
export function createServerRooms(deps: RoomAccessDeps): ServerRooms {
  return {
    room: (name) => createServerRoom(fullName(name), deps),
    async disconnect(target, reason) {
      const { disconnect } = await import("./room_access.ts");
      await disconnect(target, reason, deps);
    },
  };
}

function createServerRoom(name: string, deps: RoomAccessDeps): ServerRoom {
  const load = async () => new (await import("./room_access.ts")).RoomAccess(name, deps);
  return {
    name,
    id: name.slice(name.indexOf("/") + 1),
    publish: async (event, data, options) => await (await load()).publish(event, data, options),
    emit: async (event, data, options) => await (await load()).emit(event, data, options),
    history: async (page) => await (await load()).history(page),
    presence: async () => await (await load()).presence(),
    kick: async (target, reason) => await (await load()).kick(target, reason),
  };
}

function fullName(given: string): string {
  const name = typeof given === "string" && !given.includes("/") ? `${DEFAULT_ENDPOINT}/${given}` : given;
  if (typeof name === "string" && ROOM_NAME.test(name)) return name;
  throw new TypeError(
    "room: a room's name is ENDPOINT/ID, such as rooms/lobby. An ID is 1 to 128 characters of A-Z a-z 0-9 . _ ~ : -",
  );
}
