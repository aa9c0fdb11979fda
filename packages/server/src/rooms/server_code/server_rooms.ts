import type { Message, PresenceMember, Recipient } from "../../../../protocol/frames.ts";

/** Options of a message that server code publishes. */
export interface ServerPublishOptions {
  /**
   * Id of 1 to 64 characters. The same id of the same sender within `DEDUPE_SECONDS` is the same
   * message. A random one by default.
   */
  readonly id?: string;
  /** Id of the user that the message is from (`from.user`); `service_role` by default. */
  readonly as?: string;
}

/** Options of an ephemeral message that server code sends. */
export interface ServerEmitOptions extends ServerPublishOptions {
  /** Recipient: all connections of a user, or one connection. All members by default. */
  readonly to?: Recipient;
  /**
   * Key of 1 to 64 characters. With `EPHEMERAL_TICK_MS`, the newest message of this sender and event
   * with this key replaces those that wait.
   */
  readonly key?: string;
}

/** Selects a page: the first messages after an offset, or the last before one; 100 by default. */
export type ServerPageQuery =
  | { readonly after: number; readonly before?: undefined; readonly limit?: number }
  | { readonly before?: number; readonly after?: undefined; readonly limit?: number };

/** A page of the retained messages, in the order of offsets. */
export interface ServerHistoryPage {
  /** Names the history that the offsets belong to; may be empty if nobody has used the room. */
  readonly epoch: string;
  readonly messages: readonly Message[];
  /** True if there are more in that direction. */
  readonly more: boolean;
}

/**
 * A room, as code of the function uses it. No permission is checked. Every method rejects with a
 * `TypeError` that names the wrong argument. While the store is away, methods reject, and a route
 * is answered with 503 `unavailable`.
 */
export interface ServerRoom {
  /** `ENDPOINT/ID`, such as `tables/7`. */
  readonly name: string;
  /** The part behind the endpoint: the room's id as in the address. */
  readonly id: string;
  /**
   * Publishes a message and resolves with its offset once it is stored. `data` is JSON of at most
   * `MAX_FRAME_BYTES`, 64 levels deep. Schemas and hooks of the endpoint are not applied.
   */
  publish(event: string, data: unknown, options?: ServerPublishOptions): Promise<number>;
  /** Sends an ephemeral message to current members. Checks as `publish` does. */
  emit(event: string, data: unknown, options?: ServerEmitOptions): Promise<void>;
  /** Reads a page of at most 500 messages; the last ones by default. */
  history(page?: ServerPageQuery): Promise<ServerHistoryPage>;
  /** Reads who is present: one entry a connection. */
  presence(): Promise<readonly PresenceMember[]>;
  /**
   * Ends the memberships of a user or a connection in this room, on every isolate: `error`
   * `forbidden`, and 4403 on a room's own socket. The user may come back if the policy permits it.
   * The reason has at most 200 characters.
   */
  kick(target: Recipient, reason?: string): Promise<void>;
}

/** The rooms of the deployment, as code of the function uses them: `c.var.rooms`. */
export interface ServerRooms {
  /**
   * The room with this name: `ENDPOINT/ID`, or `ID` for `rooms/ID`.
   * @throws {TypeError} if no room can have the name
   */
  room(name: string): ServerRoom;
  /**
   * Closes every socket and event stream of a user with 4403, at every endpoint, on every isolate.
   * The user may connect again with a good token. The reason has at most 200 characters.
   * @throws {TypeError} as a rejection, if an argument is wrong
   */
  disconnect(target: { readonly user: string }, reason?: string): Promise<void>;
}
