import type { User } from "../auth/user.ts";
import { BackplaneUnavailable } from "../backplane/contract.ts";
import { errorFields } from "../observability/log.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import { type ErrorCode, type ErrorDetails, errorFrame } from "../../../protocol/error_codes.ts";
import { REALTIME_V1 } from "../../../protocol/subprotocols.ts";
import type { DrainNotice, Socket, SocketClose } from "../socket/socket.ts";
import type { Timed } from "../socket/timing_wheel.ts";
import type { PermissionWatch, RoomPermissions } from "./policy/authorize.ts";
import type { Recipient } from "./outbound/fan_out.ts";
import { HEARTBEAT_TEXT } from "./outbound/frame_text.ts";
import type { RecentMessages } from "./outbound/recent_messages.ts";
import type { RoomDeps } from "./room_deps.ts";

/** Part of the heartbeat after which a silent server shows that it is there; the rest is for the wheel's ticks. */
const HEARTBEAT_PART = 0.7;

/** The part of a room that its members use. */
export interface RoomOutput {
  readonly recent: RecentMessages;
  /** The `presence` frame that lists all members. */
  presenceText(): string;
  /** Sends a frame to one member, in order with the frames to everybody. */
  reply(member: Member, text: string): void;
  /** Sends all waiting frames now. */
  flush(): void;
  /** Removes a member. */
  delete(member: Member): void;
}

/** One connection in one room: who it is, what it may do, and what it is sent. Watches its heartbeat and its token's expiry. */
export class Member implements Recipient, Timed {
  readonly socket: Socket;
  readonly joinsFrames: boolean;
  readonly #key: string;
  readonly #deps: RoomDeps;
  #user: User;
  #permissions: RoomPermissions;
  #room: RoomOutput | undefined;
  #sentAt: number;
  #heardAt: number;
  /** How many messages had arrived then. */
  #received = 0;
  #isWelcome = false;
  #isWarned = false;
  #isClosedByUs = false;
  #isHurried = false;
  #watch: PermissionWatch | undefined;
  /** Whether it may have an entry among those present. */
  #mayLinger: boolean;

  /** `key` is the room's name in the backplane. */
  constructor(socket: Socket, key: string, permissions: RoomPermissions, deps: RoomDeps) {
    this.socket = socket;
    this.#key = key;
    this.joinsFrames = socket.protocol === REALTIME_V1;
    this.#deps = deps;
    this.#user = socket.user;
    this.#permissions = permissions;
    this.#mayLinger = permissions.presence;
    deps.wheel.add(this, 0);
    this.#sentAt = this.#heardAt = deps.wheel.now;
  }

  get connection(): string {
    return this.socket.id;
  }

  /** As the newest token says. */
  get user(): User {
    return this.#user;
  }

  get permissions(): RoomPermissions {
    return this.#permissions;
  }

  get seesPresence(): boolean {
    return this.#permissions.presence;
  }

  get isSlow(): boolean {
    return this.socket.isSlow;
  }

  /** The room, once this member is live in it. */
  get room(): RoomOutput | undefined {
    return this.#room;
  }

  /** Sends text now. What belongs into the order of the room's frames goes through `reply`. */
  send(text: string): void {
    this.#sentAt = this.#deps.wheel.now;
    this.socket.send(text);
  }

  /** Sends `welcome`: before it nothing is sent. */
  welcome(text: string): void {
    this.#isWelcome = true;
    this.send(text);
  }

  /** Sends a frame that is for this member only, in order with what the room is sent. */
  reply(text: string): void {
    if (this.#room) this.#room.reply(this, text);
    else this.send(text);
  }

  /** Answers with an `error` frame. */
  error(code: ErrorCode, details?: ErrorDetails): void {
    this.#deps.metrics.erred(code);
    this.reply(JSON.stringify(errorFrame(code, details)));
  }

  /** Answers a frame that could not be done: the backplane is away, or the fault is ours and goes to the log. */
  failed(error: unknown, id: string | undefined): void {
    this.#log(error);
    this.error(error instanceof BackplaneUnavailable ? "unavailable" : "internal", { id });
  }

  #log(error: unknown): void {
    const about = { socket: this.connection, user: this.#user.id, ...errorFields(error) };
    if (error instanceof BackplaneUnavailable) this.#deps.log.warn("backplane.unavailable", about);
    else this.#deps.log.error("room.failed", about);
  }

  /** The member is live in the room now. */
  enter(room: RoomOutput): void {
    this.#room = room;
  }

  /** Takes over what a fresh token says. */
  renew(user: User, permissions: RoomPermissions): void {
    this.#user = user;
    this.permit(permissions);
    this.#isWarned = false;
    this.#deps.wheel.add(this, 0);
    // What changed since these were decided was told to the old token.
    this.#watch?.look();
  }

  /** Takes over what its user may do now. */
  permit(permissions: RoomPermissions): void {
    this.#permissions = permissions;
    this.#mayLinger ||= permissions.presence;
  }

  /** Has its permissions looked at now, and whenever they may have changed, until the connection is gone. */
  follow(watch: PermissionWatch): void {
    this.#watch = watch;
    watch.look();
  }

  /** Whether it may have an entry among those present: also one that it had before it lost the permission. */
  get mayLinger(): boolean {
    return this.#mayLinger;
  }

  /** Its entry, without permission for another one, is gone. */
  hasLeft(): void {
    this.#mayLinger = this.#permissions.presence;
  }

  /** Whether the connection was closed here: what the client still sent is not wanted any more. */
  get isClosedByUs(): boolean {
    return this.#isClosedByUs;
  }

  /** Closes the connection, with what was to be sent before. */
  close(code: number, reason: string): void {
    this.#isClosedByUs = true;
    this.#room?.flush();
    this.socket.close(code, reason);
  }

  /** What its user may do does not include being here any more; `id` is that of the frame by which it came out. */
  expel(id?: string): void {
    this.error("forbidden", { id, message: "This user may not be in this room any more." });
    this.close(CLOSE.notAllowed, "the user may not be here any more");
  }

  /** The room's history was lost: the client is to come again, and is told then. */
  roomLost(): void {
    this.close(CLOSE.isolateGoing, "the room's history was lost: connect again");
  }

  /** Says that the isolate is about to go. */
  drain({ reason, hurried, reconnectAfterMs }: DrainNotice): void {
    this.#isHurried = hurried;
    this.#room?.flush();
    if (this.#isWelcome) {
      this.send(JSON.stringify({ type: "draining", reason, reconnect_after_ms: reconnectAfterMs }));
    }
  }

  /** The connection is gone: so is everything of it here. Its presence goes at once, or lingers for a resume. */
  async gone({ code }: SocketClose): Promise<void> {
    const { wheel, backplane, limits } = this.#deps;
    wheel.delete(this);
    this.#watch?.stop();
    this.#room?.delete(this);
    // In a hurry all that are left linger together, when the backplane is closed.
    if (!this.#mayLinger || this.#isHurried) return;
    const going = isFarewell(code)
      ? backplane.leave(this.#key, this.connection)
      : backplane.linger(this.#key, this.connection, limits.presence_grace_ms);
    await going.catch((error: unknown) => this.#log(error));
  }

  look(now: number): number {
    const { heartbeatMs, expiryWarningMs, expiryGraceMs } = this.#deps;
    // Counted where they arrive: what waits to be handled is no silence.
    const { received } = this.socket;
    if (received !== this.#received) this.#heardAt = now;
    this.#received = received;
    const silentMs = now - this.#heardAt;
    if (this.joinsFrames && silentMs >= 2 * heartbeatMs) {
      this.close(CLOSE.heartbeatMissed, `nothing was heard for ${2 * heartbeatMs} ms`);
      return heartbeatMs;
    }
    const validMs = this.#user.expiresAt * 1000 - this.#deps.now();
    if (validMs <= -expiryGraceMs) {
      this.close(CLOSE.tokenExpired, "the token has expired");
      return heartbeatMs;
    }
    if (validMs <= expiryWarningMs && !this.#isWarned && this.#isWelcome) {
      this.#isWarned = true;
      this.reply(JSON.stringify({ type: "expiring", expires_at: this.#user.expiresAt }));
    }
    if (now - this.#sentAt >= heartbeatMs * HEARTBEAT_PART && this.#isWelcome) this.reply(HEARTBEAT_TEXT);
    return Math.min(
      this.#sentAt + heartbeatMs * HEARTBEAT_PART - now,
      this.joinsFrames ? 2 * heartbeatMs - silentMs : Infinity,
      this.#isWarned ? validMs + expiryGraceMs : validMs - expiryWarningMs,
    );
  }
}

/** A client that closes with 1000, or with no code, is done, and who may not be here is not. Any other end may be an accident. */
function isFarewell(code: number): boolean {
  return code === CLOSE.done || code === 1005 || code === CLOSE.notAllowed;
}
