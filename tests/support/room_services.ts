import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import { RoomRegistry } from "../../packages/server/src/rooms/room_registry.ts";
import { LazyRooms } from "../../packages/server/src/rooms/lazy_rooms.ts";
import type { RoomDeps } from "../../packages/server/src/rooms/room_deps.ts";
import { freshId } from "./room_client.ts";
import type { RunningServer } from "./running_server.ts";

/** The deps of a running server's rooms. */
export function roomDepsOf({ deps: { rooms } }: RunningServer["engine"]): RoomDeps {
  if (!(rooms instanceof LazyRooms || rooms instanceof RoomRegistry)) {
    throw new Error("Somebody else's rooms.");
  }
  return rooms.deps;
}

/** The backplane of a running service. */
export function backplaneOf({ engine }: RunningServer): Backplane {
  return roomDepsOf(engine).backplane;
}

/** Stores messages of somebody who is not there; returns the room's epoch. */
export async function storeMessages(running: RunningServer, room: string, count: number): Promise<string> {
  const from = { user: "somebody" };
  const drafts = Array.from({ length: count }, (_, index) => {
    return { id: freshId(), event: "chat", data: String(index + 1), from };
  });
  const backplane = backplaneOf(running);
  await backplane.publish(`rooms/${room}`, drafts);
  return (await backplane.history(`rooms/${room}`, { after: 0, limit: 1 })).epoch;
}

/** From now on rooms of a running service work with other deps; who is in a room already stays in the old one. */
export function changeRoomServices({ engine }: RunningServer, changes: Partial<RoomDeps>): void {
  const rooms = new RoomRegistry({ ...roomDepsOf(engine), ...changes });
  Object.assign(engine.deps, { rooms });
}

/** A backplane that does what another one does, but for some of its methods. */
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
    ready: () => backplane.ready(),
    close: () => backplane.close(),
    ...changes,
  };
}
