import type { ServerFrame } from "../../protocol/frames.ts";
import type { RoomLimits } from "../../protocol/limits.ts";
import type { Addresses } from "../connection/addresses.ts";
import { Connection } from "../connection/connection.ts";
import { RoomError } from "../errors.ts";
import { randomId } from "../random_id.ts";
import { Requests } from "../requests.ts";
import type { ResolvedOptions } from "../resolve_options.ts";
import type { RoomState } from "../state.ts";
import { within } from "../within.ts";

/** A room of a shared socket. */
export interface SocketMember {
  /** Name of the room, `ENDPOINT/ID`. */
  readonly room: string;
  readonly state: RoomState;
  /** Follows the state of the socket. The member joins at `live`. */
  onSocket(state: RoomState): void;
  /** Joins if it waited for the end of an earlier membership. */
  onLeft(): void;
  /** A frame of the room. */
  onFrame(frame: ServerFrame): void;
  /** A frame of the socket that concerns the room. */
  onSocketFrame(frame: ServerFrame): void;
}

/** Time for which the socket stays open without rooms, in milliseconds. */
const IDLE_MS = 5_000;
/** Longest wait for the answer to `leave`, in milliseconds. */
const LEAVING_MS = 3_000;
/** Heartbeat until the first `welcome` names one, in milliseconds. */
const HEARTBEAT_MS = 25_000;

/**
 * One WebSocket for several rooms, with one state machine, one token and one send queue. Opens with
 * the first room, and closes a few seconds after the last one.
 */
export class SharedSocket {
  /** Requests of the socket: `join`, `leave` and `auth`. */
  readonly control: Requests;
  readonly options: ResolvedOptions;
  readonly connection: Connection;
  /** Rooms that are open, by name. */
  readonly #members = new Map<string, SocketMember>();
  /** Answers to `leave` by room. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** Limits of the last `welcome`. */
  #limits: Partial<RoomLimits> = {};
  #heartbeatMs = HEARTBEAT_MS;
  #cancelIdle = () => {};

  constructor(options: ResolvedOptions, addresses: Addresses) {
    const { clock } = options;
    this.options = options;
    this.connection = new Connection({
      ...options,
      addresses,
      query: () => ({}),
      greeting: () => ({ connection: "", user: "", recovered: false, heartbeat_ms: this.#heartbeatMs }),
      onWelcome: () => false,
      onState: (state) => this.#onState(state),
      onFrame: (frame) => this.#onFrame(frame),
    });
    const { queue } = this.connection;
    this.control = new Requests({ clock, queue });
  }

  /** Adds a room, and opens the socket for it. Returns false if another object has this room. */
  add(member: SocketMember): boolean {
    if ((this.#members.get(member.room) ?? member) !== member) return false;
    this.#members.set(member.room, member);
    this.#cancelIdle();
    this.connection.open();
    member.onSocket(this.connection.state);
    return true;
  }

  /** Removes a room that has ended. The last one lets the socket close. */
  remove(member: SocketMember): void {
    if (this.#members.get(member.room) !== member) return;
    this.#members.delete(member.room);
    if (this.#members.size > 0) return;
    const reason = new RoomError("closed", "No room is open.");
    this.#cancelIdle = this.options.clock.setTimer(() => this.connection.stop(reason), IDLE_MS);
  }

  /** Leaves a room. Resolves with the server's answer, or once the socket has ended. */
  leave(room: string): Promise<void> {
    const left = this.control.ask({ type: "leave", id: randomId(), room }, { again: true })
      // The membership has ended before, or with the socket.
      .then(() => {}, () => {})
      .finally(() => {
        if (this.#leaving.get(room) === left) this.#leaving.delete(room);
        this.#members.get(room)?.onLeft();
      });
    this.#leaving.set(room, left);
    return left;
  }

  /** True while a `leave` of this room has no answer. A `join` has to wait for it. */
  isLeaving(room: string): boolean {
    return this.#leaving.has(room);
  }

  /** Resolves once a room has left, or the socket has ended; after three seconds at the latest. */
  async ended(left: Promise<void> | undefined): Promise<void> {
    if (this.connection.state.type === "closed") return await this.connection.ended();
    await within(left, LEAVING_MS, this.options.clock);
  }

  #onState(state: RoomState): void {
    if (state.type === "live") {
      this.control.connected();
      this.control.begin({ limits: this.#limits }, true);
    } else {
      this.control.end();
      // The next connection begins without memberships.
      this.control.rejectAll(new RoomError("offline", "The socket has ended."));
      this.#leaving.clear();
    }
    const members = [...this.#members.values()];
    if (state.type === "closed") {
      this.#members.clear();
      this.#cancelIdle();
    }
    for (const member of members) member.onSocket(state);
  }

  #onFrame(frame: ServerFrame): void {
    const { type } = frame;
    switch (type) {
      case "ack":
      case "authenticated":
      case "error":
        if (this.control.answer(frame)) return;
        break;
      case "welcome":
        this.#limits = frame.limits;
        this.#heartbeatMs = frame.heartbeat_ms;
    }
    if ("room" in frame && frame.room !== undefined) {
      const { room } = frame;
      this.#members.get(room)?.onFrame(frame);
      return;
    }
    const live = [...this.#members.values()].filter(({ state }) => state.type === "live");
    // One room requests the token for all.
    for (const member of type === "expiring" ? live.slice(0, 1) : live) member.onSocketFrame(frame);
  }
}
