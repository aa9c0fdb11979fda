import type { Rooms } from "../rooms/lazy_rooms.ts";
import type { SocketHandlers } from "../socket/socket.ts";
import { ChannelConnection } from "./channel_connection.ts";
import type { ChannelDeps } from "./channel_deps.ts";
import { ChannelRooms } from "./channel_rooms.ts";
import type { Version } from "./frames/frame.ts";

/** Options of one endpoint of channels. */
export interface ChannelOptions {
  readonly version: Version;
  readonly privateOnly: boolean;
}

/** Parts of the engine that channels use. */
export interface EngineDeps extends Pick<ChannelDeps, "keys" | "authorize" | "random"> {
  readonly rooms: Rooms;
  readonly connections: { readonly isDraining: boolean };
}

/** The rooms with channels, by the rooms of their isolate. */
const channelRooms = new WeakMap<Rooms, ChannelRooms>();

/** Handlers of a socket of a supabase-js client (docs/supabase-js.md). */
export function channelHandlers({ version, privateOnly }: ChannelOptions, deps: EngineDeps): SocketHandlers {
  const { keys, authorize, connections, random } = deps;
  const rooms = roomsOf(deps.rooms);
  let connection: ChannelConnection | undefined;
  return {
    onOpen(socket) {
      const isDraining = () => connections.isDraining;
      const channelDeps = { rooms, keys, authorize, privateOnly, isDraining, random };
      connection = new ChannelConnection(socket, version, channelDeps);
    },
    // Returns nothing: a handler that waits would fill the socket's queue.
    onMessage: (_socket, data) => connection?.take(data),
    onDrain: (_socket, notice) => connection?.drain(notice),
    onClose: (_socket, close) => connection?.gone(close),
  };
}

function roomsOf(rooms: Rooms): ChannelRooms {
  let found = channelRooms.get(rooms);
  if (!found) {
    found = new ChannelRooms(rooms.deps);
    channelRooms.set(rooms, found);
    rooms.addEvictable(found);
  }
  return found;
}
