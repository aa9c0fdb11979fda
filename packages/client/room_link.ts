import type { JoinFrame, ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import type { Addresses } from "./connection/addresses.ts";
import type { RoomError } from "./errors.ts";
import type { Requests } from "./requests.ts";
import type { SendQueue } from "./send_queue.ts";
import type { RoomState } from "./state.ts";

/** A room's way to the server: a WebSocket of its own, or a part of a shared one. */
export interface RoomLink {
  /** The public state; the same object until it changes. */
  readonly state: RoomState;
  /** Sends the room's frames. */
  readonly queue: SendQueue;
  /** The room as its frames name it. Absent on a WebSocket of its own. */
  readonly room?: string;
  /** Requests of the socket. Default: the room's own. */
  readonly control?: Requests;
  /** Joins the room, also after an end. */
  open(): void;
  /** Leaves the room for a reason. Does nothing after the end. */
  stop(reason: RoomError): void;
  /** Drops the connection and opens another at once. */
  reconnect(): void;
  /** Leaves the room and resumes after invalid data from the server. */
  fault(reason: RoomError): void;
  /**
   * Resolves once the server has answered the end, or after three seconds: a lost peer may take
   * minutes. A connection that was given up before is not waited for.
   */
  ended(): Promise<void>;
}

/** Messages to replay at the next join. */
export type ReplayQuery = Pick<JoinFrame, "after" | "epoch" | "connection" | "history">;

/** Callbacks of a room's link. */
export interface LinkEvents {
  readonly query: () => ReplayQuery;
  /** Called with `welcome`, before the state is `live`. Returns whether the room resumed. */
  readonly onWelcome: (welcome: WelcomeFrame) => boolean;
  readonly onState: (state: RoomState) => void;
  /** Every frame, in order. */
  readonly onFrame: (frame: ServerFrame) => void;
}

/** Makes a room's link. */
export type CreateLink = (events: LinkEvents, addresses: Addresses) => RoomLink;
