import { ConnectedRoom } from "../connected_room.ts";
import { parseBaseAddress } from "../connection/addresses.ts";
import { RoomError } from "../errors.ts";
import { resolveOptions } from "../resolve_options.ts";
import type { AnyCalls, CallTypes, EventTypes, Room } from "../room.ts";
import type { ConnectionOptions, RoomConnection, SharedRoomOptions } from "./room_connection.ts";
import { parseRoomName } from "./room_name.ts";
import { SharedLink } from "./shared_link.ts";
import { SharedSocket } from "./shared_socket.ts";

/** Implements RoomConnection: one object for each room that is not closed. */
export class SharedConnection implements RoomConnection {
  readonly url: string;
  readonly #options: ConnectionOptions;
  readonly #socket: SharedSocket;
  /** Rooms that are not closed, by name. One that was never opened may be collected. */
  readonly #rooms = new Map<string, WeakRef<Room<EventTypes>>>();

  constructor(url: string, options: ConnectionOptions) {
    const { base, addresses } = parseBaseAddress(url);
    this.url = base;
    this.#options = options;
    this.#socket = new SharedSocket(resolveOptions(options), addresses);
  }

  room<Published extends EventTypes, Received extends EventTypes, Calls extends CallTypes = AnyCalls>(
    name: string,
    options?: SharedRoomOptions,
  ): Room<Published, Received, Calls> {
    const room = this.createRoom<Published, Received, Calls>(name, options);
    room.open();
    return room;
  }

  createRoom<Published extends EventTypes, Received extends EventTypes, Calls extends CallTypes = AnyCalls>(
    name: string,
    options: SharedRoomOptions = {},
  ): Room<Published, Received, Calls> {
    const fullName = parseRoomName(name);
    const known = this.#rooms.get(fullName)?.deref();
    // The application names the types of a room, as with `connect`.
    if (known) return known as unknown as Room<Published, Received, Calls>;
    const resolved = resolveOptions({ ...options, ...this.#options });
    const room = new ConnectedRoom<Published, Received, Calls>(
      `${this.url}/${fullName}`,
      resolved,
      (events) => new SharedLink(fullName, this.#socket, events),
    );
    this.#keep(fullName, room as unknown as Room<EventTypes>);
    return room;
  }

  /** True if another object has the name of this closed room now. */
  isReplaced(room: { readonly url: string }): boolean {
    const name = room.url.slice(this.url.length + 1);
    return (this.#rooms.get(name)?.deref() ?? room) !== room;
  }

  async close(): Promise<void> {
    const rooms = [...this.#rooms.values()].map((room) => room.deref());
    const { connection } = this.#socket;
    connection.queue.flush();
    // Ends all memberships at once, without a `leave` for each.
    connection.stop(new RoomError("closed", "The connection was closed."));
    await Promise.all([connection.ended(), ...rooms.map((room) => room?.close())]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #keep(name: string, room: Room<EventTypes>): void {
    const rooms = this.#rooms;
    for (const [other, known] of rooms) if (!known.deref()) rooms.delete(other);
    const own = new WeakRef(room);
    rooms.set(name, own);
    room.on("state", ({ type }) => {
      if (type !== "closed") rooms.set(name, rooms.get(name) ?? own);
      else if (rooms.get(name) === own) rooms.delete(name);
    });
  }
}
