import type { ServerFrame } from "../../protocol/frames.ts";
import { backoffMs } from "../connection/backoff.ts";
import { reactionTo } from "../connection/close_reasons.ts";
import { STABLE_MS } from "../connection/machine.ts";
import { errorOf, RoomError } from "../errors.ts";
import { randomId } from "../random_id.ts";
import type { Requests } from "../requests.ts";
import type { LinkEvents, RoomLink } from "../room_link.ts";
import type { SendQueue } from "../send_queue.ts";
import type { RoomState } from "../state.ts";
import type { SharedSocket, SocketMember } from "./shared_socket.ts";

/**
 * Errors of a join that another attempt cannot fix: the endpoint refused it, or the room's name or
 * position is not valid. docs/protocol.md, 17.8.
 */
const FINAL = /^(refused|invalid_frame)$/;

/** A room's part of a shared socket: joins at every connection, and again after refusals. */
export class SharedLink implements RoomLink, SocketMember {
  readonly room: string;
  readonly queue: SendQueue;
  readonly control: Requests;
  state: RoomState = { type: "idle" };
  readonly #socket: SharedSocket;
  readonly #events: LinkEvents;
  /** Id of the join without an answer. */
  #joining: string | null = null;
  #isJoined = false;
  /** Time of the last `welcome`. */
  #since = 0;
  /** Failures of this room in a row. */
  #failures = 0;
  /** Last failure of this room, and the earliest time of the next attempt. */
  #failed: { readonly reason: RoomError; readonly notBefore: number } | null = null;
  #cancelTimer = () => {};
  /** Answer to the last `leave`. */
  #left: Promise<void> | undefined;

  constructor(room: string, socket: SharedSocket, events: LinkEvents) {
    this.room = room;
    this.queue = socket.connection.queue;
    this.control = socket.control;
    this.#socket = socket;
    this.#events = events;
  }

  open(): void {
    const { type } = this.state;
    if (type !== "idle" && type !== "closed") return;
    this.#failures = 0;
    this.#failed = null;
    this.#left = undefined;
    if (this.#socket.add(this)) return;
    const text = `${this.room} is open already: use the room that connection.room() returned.`;
    this.#setState({ type: "closed", reason: new RoomError("closed", text) });
  }

  stop(reason: RoomError): void {
    if (this.state.type === "closed") return;
    const wasIn = this.#isJoined || this.#joining !== null;
    this.#end();
    if (wasIn) this.#left = this.#socket.leave(this.room);
    this.#socket.remove(this);
    this.#setState({ type: "closed", reason });
  }

  reconnect(): void {
    this.#socket.connection.reconnect();
  }

  /** Drops the socket of all rooms: a `leave` would end presence. */
  fault(reason: RoomError): void {
    this.#socket.connection.fault(reason);
  }

  ended(): Promise<void> {
    return this.#socket.ended(this.#left);
  }

  onSocket(state: RoomState): void {
    this.#end();
    if (state.type === "live") this.#join();
    else if (state.type !== "idle") this.#setState(state);
  }

  onLeft(): void {
    if (
      this.state.type === "connecting" && this.#joining === null &&
      this.#socket.connection.state.type === "live"
    ) this.#join();
  }

  onSocketFrame(frame: ServerFrame): void {
    this.#events.onFrame(frame);
  }

  onFrame(frame: ServerFrame): void {
    const { type } = frame;
    if (type === "welcome" && this.#joining !== null) {
      this.control.answer({ type: "ack", id: this.#joining });
      this.#end();
      this.#isJoined = true;
      this.#since = this.#socket.options.clock.now();
      this.#failed = null;
      const { connection, user, recovered } = frame;
      const resumed = this.#events.onWelcome(frame);
      this.#setState({ type: "live", connection, user, recovered: resumed ? recovered : null });
    }
    // A listener may have closed the room.
    if (!this.#isJoined) return;
    if (type !== "error") return this.#events.onFrame(frame);
    // The request is sent again after the next join.
    const hasEnded = frame.ended === true || frame.code === "not_joined";
    if (!hasEnded || frame.id === undefined) this.#events.onFrame(frame);
    if (hasEnded) this.#lose(errorOf(frame));
  }

  #join(): void {
    const { clock, timing } = this.#socket.options;
    const { reason, notBefore = 0 } = this.#failed ?? {};
    const waitMs = notBefore - clock.now();
    if (reason && waitMs > 0) return this.#wait(reason, waitMs);
    const { state } = this;
    if (state.type !== "connecting") this.#setState({ type: "connecting", attempt: this.#failures });
    // `onLeft` continues.
    if (this.#socket.isLeaving(this.room)) return;
    const id = this.#joining = randomId();
    // The server answers every join, so silence may be that of the network.
    this.#cancelTimer = clock.setTimer(() => this.#socket.connection.probe(), timing.connectMs);
    const frame = { type: "join", id, room: this.room, ...this.#events.query() } as const;
    this.control.ask(frame, { again: false }).catch((error: RoomError) => {
      if (this.#joining === id) this.#lose(error);
    });
  }

  /** Handles the end of a membership by the server. */
  #lose(reason: RoomError): void {
    this.#end();
    const reaction = reactionTo(reason);
    if (reaction === "stop" || FINAL.test(reason.code)) return this.stop(reason);
    // A new connection has a fresh token, for all rooms.
    if (reaction === "fresh_token") return this.#socket.connection.fault(reason);
    const { clock, timing, random } = this.#socket.options;
    const now = clock.now();
    this.#failures++;
    const waitMs = (reason.retryAfterMs ?? 0) + backoffMs(this.#failures, timing.retry, random);
    this.#failed = { reason, notBefore: now + waitMs };
    this.#wait(reason, waitMs);
  }

  #wait(reason: RoomError, waitMs: number): void {
    const { clock } = this.#socket.options;
    this.#cancelTimer = clock.setTimer(() => this.#join(), waitMs);
    this.#setState({ type: "waiting", attempt: this.#failures, retryAt: clock.wallNow() + waitMs, reason });
  }

  #end(): void {
    this.#cancelTimer();
    const { clock } = this.#socket.options;
    if (this.#isJoined && clock.now() - this.#since >= STABLE_MS) this.#failures = 0;
    this.#joining = null;
    this.#isJoined = false;
  }

  #setState(state: RoomState): void {
    if (this.state === state) return;
    this.state = state;
    this.#events.onState(state);
  }
}
