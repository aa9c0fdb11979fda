import { parseBaseAddress } from "../connection/addresses.ts";
import { ConnectedRoom } from "../connected_room.ts";
import { RoomError } from "../errors.ts";
import type { RoomOptions } from "../options.ts";
import { resolveOptions } from "../resolve_options.ts";
import type { AnyCalls, CallTypes, EventTypes, Room } from "../room.ts";
import { parseRoomName } from "./room_name.ts";
import { SharedLink } from "./shared_link.ts";
import { SharedSocket } from "./shared_socket.ts";

/** Options of a room on a shared connection; all others are the connection's. */
export type SharedRoomOptions = Pick<
  RoomOptions,
  "history" | "resume" | "signal" | "outbox" | "iteratorLimit"
>;
/** Options of a connection. Only `token` is required. */
export type ConnectionOptions = Omit<RoomOptions, keyof SharedRoomOptions>;

/** Many rooms on one WebSocket. docs/client.md, "Many rooms on one socket". */
export interface RoomConnection extends AsyncDisposable {
  /** Address of the function. */
  readonly url: string;
  /**
   * Opens a room, `lobby` for `rooms/lobby`, or `tables/7` for one of another endpoint. If it is
   * open already, returns that same room, whatever the options are.
   * @throws {TypeError} naming the invalid name or option
   */
  room<
    Published extends EventTypes = Record<string, unknown>,
    Received extends EventTypes = Published,
    Calls extends CallTypes = AnyCalls,
  >(
    name: string,
    options?: SharedRoomOptions,
  ): Room<Published, Received, Calls>;
  /** As `room`, without opening it. @throws {TypeError} as `room` */
  createRoom<
    Published extends EventTypes = Record<string, unknown>,
    Received extends EventTypes = Published,
    Calls extends CallTypes = AnyCalls,
  >(
    name: string,
    options?: SharedRoomOptions,
  ): Room<Published, Received, Calls>;
  /**
   * Closes all rooms, as `room.close()` does, and the socket. A room that is opened later opens it
   * again.
   */
  close(): Promise<void>;
}

/**
 * Creates a connection for many rooms: one WebSocket, one token, one heartbeat. It opens with the
 * first room, and closes five seconds after the last one.
 * @param url address of the function, such as `https://PROJECT.supabase.co/functions/v1/realtime`
 * @throws {TypeError} naming the invalid option or address
 */
export function createConnection(url: string, options: ConnectionOptions): RoomConnection {
  return new SharedConnection(url, options);
}

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
