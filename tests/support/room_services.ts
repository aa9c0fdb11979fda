import type { Backplane } from "../../supabase/functions/realtime/backplane/contract.ts";
import { Rooms } from "../../supabase/functions/realtime/rooms/rooms.ts";
import type { RoomServices } from "../../supabase/functions/realtime/rooms/services.ts";
import { freshId } from "./room_client.ts";
import type { RunningService } from "./running_service.ts";

/** The backplane of a running service. */
export function backplaneOf({ service }: RunningService): Backplane {
  return service.services.rooms.services.backplane;
}

/** Stores messages of somebody who is not there; returns the room's epoch. */
export async function storeMessages(running: RunningService, room: string, count: number): Promise<string> {
  const from = { user: "somebody" };
  const drafts = Array.from({ length: count }, (_, index) => {
    return { id: freshId(), event: "chat", data: String(index + 1), from };
  });
  const backplane = backplaneOf(running);
  await backplane.publish(`rooms/${room}`, drafts);
  return (await backplane.history(`rooms/${room}`, { after: 0, limit: 1 })).epoch;
}

/** From now on rooms of a running service work with other services; who is in a room already stays in the old one. */
export function changeRoomServices({ service }: RunningService, changes: Partial<RoomServices>): void {
  const rooms = new Rooms({ ...service.services.rooms.services, ...changes });
  Object.assign(service.services, { rooms });
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
