import type { RoomOptions } from "../options.ts";
import type { AnyCalls, CallTypes, EventTypes, Room } from "../room.ts";

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
