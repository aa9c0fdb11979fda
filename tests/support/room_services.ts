import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import { RoomRegistry } from "../../packages/server/src/rooms/room_registry.ts";
import { LazyRooms } from "../../packages/server/src/rooms/lazy_rooms.ts";
import type { RoomDeps } from "../../packages/server/src/rooms/room_deps.ts";
import { freshId } from "./room_client.ts";
import type { RunningServer } from "./running_server.ts";

/** Finds the deps of a running server's rooms. */
export function roomDepsOf({ deps: { rooms } }: RunningServer["engine"]): RoomDeps {
  if (!(rooms instanceof LazyRooms || rooms instanceof RoomRegistry)) {
    throw new Error("The engine's rooms are of an unknown class.");
  }
  return rooms.deps;
}

/** Finds the backplane of a running server. */
export function backplaneOf({ engine }: RunningServer): Backplane {
  return roomDepsOf(engine).backplane;
}

/** Stores messages of an absent user; returns the room's epoch. */
export async function storeMessages(running: RunningServer, room: string, count: number): Promise<string> {
  const from = { user: "somebody" };
  const drafts = Array.from({ length: count }, (_, index) => {
    return { id: freshId(), event: "chat", data: String(index + 1), from };
  });
  const backplane = backplaneOf(running);
  await backplane.publish(`rooms/${room}`, drafts);
  return (await backplane.history(`rooms/${room}`, { after: 0, limit: 1 })).epoch;
}

/** Replaces deps of a running server's rooms. Current members stay in the old rooms. */
export function changeRoomServices({ engine }: RunningServer, changes: Partial<RoomDeps>): void {
  const rooms = new RoomRegistry({ ...roomDepsOf(engine), ...changes });
  Object.assign(engine.deps, { rooms });
}

/** Copies a backplane with some methods replaced. */
export function changedBackplane(backplane: Backplane, changes: Partial<Backplane>): Backplane {
  return {
    publish: (room, drafts) => backplane.publish(room, drafts),
    emit: (room, message) => backplane.emit(room, message),
    subscribe: (room, deliver) => backplane.subscribe(room, deliver),
    history: (room, page) => backplane.history(room, page),
    enter: (room, entry) => backplane.enter(room, entry),
    resume: (room, connection) => backplane.resume(room, connection),
    leave: (room, connection) => backplane.leave(room, connection),
    linger: (room, connection, graceMs) => backplane.linger(room, connection, graceMs),
    present: (room) => backplane.present(room),
    put: (key, value, ttlMs) => backplane.put(key, value, ttlMs),
    take: (key) => backplane.take(key),
    ready: () => backplane.ready(),
    close: () => backplane.close(),
    ...changes,
  };
}
