import type { User } from "../../auth/user.ts";
import { type ErrorCode, type ErrorDetails, errorFrame } from "../../../../protocol/error_codes.ts";
import type { AuthFrame, JoinFrame, LeaveFrame } from "../../../../protocol/frames.ts";
import type { DrainNotice, Socket, SocketClose } from "../../socket/socket.ts";
import { ConnectionWatch, type WatchedMembers } from "../connection_watch.ts";
import { failureCode, logFailure } from "../failure.ts";
import { FrameIntake, type FrameSender } from "../inbound/frame_intake.ts";
import { idOf } from "../inbound/field_checks.ts";
import { frameRoom, parseSharedFrame, wrongRoom } from "../inbound/parse_shared_frame.ts";
import type { Membership } from "../membership.ts";
import type { MemberConnection } from "../member.ts";
import { pongText } from "../outbound/frame_text.ts";
import type { RoomDeps } from "../room_deps.ts";
import { type Admission, type AdmitToRoom, canonicalRoom } from "./admission.ts";
import { FrameQueue } from "./frame_queue.ts";
import { renewMemberships } from "./renew_memberships.ts";
import { RoomSocket } from "./room_socket.ts";
import { SharedMembership, type SharedSocket } from "./shared_membership.ts";

/** The rooms of this isolate, as a socket for many of them uses them. */
export interface OpenRooms {
  readonly deps: RoomDeps;
  /** The reason why a room takes no more members right now, or undefined. */
  refusal(key: string): ErrorCode | undefined;
  /** Opens a membership of a room that is not full. */
  open(request: Membership["request"], connection: MemberConnection): Membership;
}

/** Characters of frames that may wait for their rooms: `MAX_QUEUED_BYTES` of other sockets. */
const MAX_WAITING_LENGTH = 1_048_576;

/** Options of `SharedConnection`. */
export interface SharedConnectionOptions {
  readonly socket: Socket;
  readonly admit: AdmitToRoom;
  readonly rooms: OpenRooms;
}

/** A socket for many rooms: takes its frames apart, and gives each to its membership. */
export class SharedConnection implements WatchedMembers, FrameSender, SharedSocket {
  readonly joinsFrames: boolean;
  readonly #socket: Socket;
  readonly #admit: AdmitToRoom;
  readonly #rooms: OpenRooms;
  readonly #deps: RoomDeps;
  readonly #watch: ConnectionWatch;
  readonly #queue: FrameQueue;
  readonly #intake: FrameIntake;
  /** Memberships that take frames, by room. */
  readonly #memberships = new Map<string, SharedMembership>();
  /** Memberships that have ended, and are not cleaned up yet. */
  readonly #ending = new Set<SharedMembership>();
  #waitingFrames = 0;
  #waitingLength = 0;
  #isClosedByUs = false;

  constructor({ socket, admit, rooms }: SharedConnectionOptions) {
    const { deps } = rooms;
    this.#socket = socket;
    this.#admit = admit;
    this.#rooms = rooms;
    this.#deps = deps;
    this.#watch = new ConnectionWatch(socket, deps);
    this.joinsFrames = this.#watch.joinsFrames;
    this.#queue = new FrameQueue({
      joinsFrames: this.joinsFrames,
      send: (text) => this.#watch.send(text),
      scheduler: deps.scheduler,
    });
    this.#intake = new FrameIntake(this, (value) => this.#take(value), deps);
    this.#watch.start(this);
    this.#watch.ready();
  }

  get user(): User {
    return this.#watch.user;
  }

  get isClosedByUs(): boolean {
    return this.#isClosedByUs;
  }

  /** Takes a WebSocket message. */
  take(data: string | ArrayBuffer): void | Promise<void> {
    for (const { member } of this.#memberships.values()) member?.presence.heard();
    return this.#intake.take(data);
  }

  /** Announces that the isolate is about to end. */
  drain(notice: DrainNotice): void {
    this.#watch.drain(notice);
  }

  /** Cleans up after the socket. */
  async gone(close: SocketClose): Promise<void> {
    this.#watch.stop();
    const all = [...this.#memberships.values(), ...this.#ending];
    await Promise.all(all.map((membership) => membership.connectionClosed(close)));
  }

  about(frame: unknown): Pick<ErrorDetails, "id" | "room"> {
    const room = frameRoom(frame);
    return { id: idOf(frame), room: room === undefined ? undefined : canonicalRoom(room) };
  }

  reply(text: string): void {
    this.#queue.push(text);
  }

  error(code: ErrorCode, details?: ErrorDetails): void {
    this.#deps.metrics.erred(code);
    this.reply(JSON.stringify(errorFrame(code, details)));
  }

  flush(): void {
    for (const { member } of this.#memberships.values()) member?.flush();
    this.#queue.flush();
  }

  close(code: number, reason: string): void {
    this.#isClosedByUs = true;
    this.flush();
    this.#socket.close(code, reason);
  }

  checkSilent(): void {
    for (const { member } of this.#memberships.values()) member?.checkSilent();
  }

  admit({ type: _, id: __, ...join }: JoinFrame, user: User): Promise<Admission> {
    return this.#admit(join, user);
  }

  open(admission: Admission, part: Omit<MemberConnection, "watch">): ReturnType<SharedSocket["open"]> {
    if (admission.code) return admission;
    const { request } = admission;
    const refusal = this.#rooms.refusal(request.key);
    if (refusal) return { code: refusal, details: {} };
    return this.#rooms.open(request, { ...part, watch: this.#watch });
  }

  createPart(onClose: (close: SocketClose) => void): RoomSocket {
    return new RoomSocket({ socket: this.#socket, queue: this.#queue, onClose });
  }

  logFailure(error: unknown): void {
    logFailure(error, { socket: this.#socket.id, user: this.user.id }, this.#deps.log);
  }

  reserve(length: number): boolean {
    const { limits, maxPendingPublishes } = this.#deps;
    // As many as may wait for the handler of a room's own socket.
    const maxFrames = Math.max(limits.frames_burst, maxPendingPublishes);
    if (this.#waitingFrames >= maxFrames || this.#waitingLength >= MAX_WAITING_LENGTH) return false;
    this.#waitingFrames += 1;
    this.#waitingLength += length;
    return true;
  }

  release(length: number): void {
    this.#waitingFrames -= 1;
    this.#waitingLength -= length;
  }

  ending(membership: SharedMembership): void {
    this.#memberships.delete(membership.room);
    this.#ending.add(membership);
  }

  ended(membership: SharedMembership): void {
    this.#ending.delete(membership);
  }

  #take(value: unknown): void | Promise<void> {
    const { frame, problem } = parseSharedFrame(value);
    if (problem) return this.error("invalid_frame", { ...problem, ...this.about(value) });
    switch (frame.type) {
      case "auth":
        return this.#renew(frame);
      case "ping":
        return this.reply(pongText(frame.id));
      case "join":
        return this.#join({ ...frame, room: canonicalRoom(frame.room) });
      case "leave":
        return this.#leave(frame);
      default: {
        const named = frameRoom(value);
        if (named === undefined) return this.error("invalid_frame", wrongRoom(frame.id));
        const room = canonicalRoom(named);
        const membership = this.#memberships.get(room);
        if (!membership) return this.error("not_joined", { room, id: frame.id });
        return membership.take(frame, this.#intake.receivedAt, this.#intake.frameLength);
      }
    }
  }

  #join(frame: JoinFrame): void {
    const { id, room } = frame;
    const { max_rooms } = this.#deps.limits;
    if (this.#memberships.has(room)) {
      const message = "This socket has joined the room already, or is joining it. Leave it first.";
      return this.error("invalid_frame", { id, room, field: "room", message });
    }
    if (this.#memberships.size + this.#ending.size >= max_rooms) {
      return this.error("too_many_rooms", { id, room, ended: true });
    }
    const membership = new SharedMembership(frame, this);
    this.#memberships.set(room, membership);
    void membership.join();
  }

  #leave({ id, room }: LeaveFrame): void {
    const membership = this.#memberships.get(canonicalRoom(room));
    if (membership) membership.leave(id);
    else this.error("not_joined", { id, room: canonicalRoom(room) });
  }

  /** Never rejects. */
  async #renew(frame: AuthFrame): Promise<void> {
    const { id } = frame;
    const retryAfterMs = this.#intake.admitToken();
    if (retryAfterMs > 0) return this.error("rate_limited", { id, retryAfterMs });
    try {
      const memberships = () => [...this.#memberships.values()].flatMap(({ opened }) => opened ?? []);
      const answer = await renewMemberships(this.#watch, memberships, frame, this.#deps.verifier);
      if ("code" in answer) this.error(answer.code, answer.details);
      else this.reply(JSON.stringify({ type: "authenticated", id, expires_at: answer.expiresAt }));
    } catch (error) {
      const code = failureCode(error);
      if (code !== "rate_limited") this.logFailure(error);
      this.error(code, { id });
    }
  }
}
