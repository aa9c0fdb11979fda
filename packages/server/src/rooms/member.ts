import type { SessionConnection } from "../auth/session_watch.ts";
import type { User } from "../auth/user.ts";
import { BackplaneUnavailable } from "../backplane/contract.ts";
import { errorFields } from "../observability/log.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import { type ErrorCode, type ErrorDetails, errorFrame } from "../../../protocol/error_codes.ts";
import { REALTIME_V1 } from "../../../protocol/subprotocols.ts";
import type { DrainNotice, Socket, SocketClose } from "../socket/socket.ts";
import type { Timed } from "../socket/timing_wheel.ts";
import { SESSION_ENDED } from "../socket/watch_token.ts";
import { MemberPresence, type PresenceOwner } from "./member_presence.ts";
import type { PermissionWatch, RoomPermissions } from "./policy/authorize.ts";
import type { Recipient } from "./outbound/fan_out.ts";
import { HEARTBEAT_TEXT } from "./outbound/frame_text.ts";
import type { RecentMessages } from "./outbound/recent_messages.ts";
import { TooManyReads } from "./read_limits.ts";
import type { RoomDeps } from "./room_deps.ts";

/**
 * Part of the heartbeat after which a silent server sends one; the rest allows for the wheel's
 * ticks.
 */
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

/**
 * A connection in a room: its user, permissions, and output. Watches its heartbeat and its token's
 * expiry.
 */
export class Member implements Recipient, Timed, SessionConnection, PresenceOwner {
  readonly socket: Socket;
  readonly joinsFrames: boolean;
  readonly presence: MemberPresence;
  readonly #deps: RoomDeps;
  #user: User;
  #permissions: RoomPermissions;
  #room: RoomOutput | undefined;
  #sentAt: number;
  #heardAt: number;
  /** Number of messages that had arrived at the last check. */
  #received = 0;
  #isWelcome = false;
  #isWarned = false;
  #isClosedByUs = false;
  #isImmediate = false;
  #watch: PermissionWatch | undefined;

  /** `key` is the room's name in the backplane. */
  constructor(socket: Socket, key: string, permissions: RoomPermissions, deps: RoomDeps) {
    this.socket = socket;
    this.joinsFrames = socket.protocol === REALTIME_V1;
    this.#deps = deps;
    this.#user = socket.user;
    this.#permissions = permissions;
    this.presence = new MemberPresence(this, key, deps);
    deps.wheel.add(this, 0);
    deps.sessions?.add(this, this.#user);
    this.#sentAt = this.#heardAt = deps.wheel.now;
  }

  get connection(): string {
    return this.socket.id;
  }

  /** The user of the newest token. */
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

  /** Sends text now. Frames that belong into the room's order go through `reply`. */
  send(text: string): void {
    this.#sentAt = this.#deps.wheel.now;
    this.socket.send(text);
  }

  /** Sends `welcome`, the first frame. */
  welcome(text: string): void {
    this.#isWelcome = true;
    this.send(text);
  }

  /** Sends a frame for this member only, in order with the room's frames. */
  reply(text: string): void {
    if (this.#room) this.#room.reply(this, text);
    else this.send(text);
  }

  /** Answers with an `error` frame. */
  error(code: ErrorCode, details?: ErrorDetails): void {
    this.#deps.metrics.erred(code);
    this.reply(JSON.stringify(errorFrame(code, details)));
  }

  /** Answers a frame that failed: the backplane is away, or the fault is ours. Logs the reason. */
  failed(error: unknown, id: string | undefined): void {
    if (error instanceof TooManyReads) return this.error("rate_limited", { id });
    this.logFailure(error);
    this.error(error instanceof BackplaneUnavailable ? "unavailable" : "internal", { id });
  }

  /** Logs a failure: the backplane is away, or the fault is ours. */
  logFailure(error: unknown): void {
    const about = { socket: this.connection, user: this.#user.id, ...errorFields(error) };
    if (error instanceof BackplaneUnavailable) this.#deps.log.warn("backplane.unavailable", about);
    else this.#deps.log.error("room.failed", about);
  }

  /** Records that the member is live in the room. */
  enter(room: RoomOutput): void {
    this.#room = room;
  }

  /** Applies a fresh token. */
  renew(user: User, permissions: RoomPermissions): void {
    // A client that has no newer token yet sends the old one again; one warning is enough for it.
    if (user.expiresAt !== this.#user.expiresAt) this.#isWarned = false;
    this.#user = user;
    this.permit(permissions);
    this.#deps.sessions?.add(this, user);
    this.#deps.wheel.add(this, 0);
    // Changes after this decision were reported to the watch of the old token.
    this.#watch?.refresh();
  }

  /** Applies the user's current permissions. */
  permit(permissions: RoomPermissions): void {
    this.#permissions = permissions;
    if (permissions.presence) this.presence.permit();
  }

  /** Checks permissions now and whenever they may have changed, until the connection ends. */
  follow(watch: PermissionWatch): void {
    this.#watch = watch;
    watch.refresh();
  }

  /** True if the server closed the connection: later frames of the client are ignored. */
  get isClosedByUs(): boolean {
    return this.#isClosedByUs;
  }

  /** Closes the connection after sending pending frames. */
  close(code: number, reason: string): void {
    this.#isClosedByUs = true;
    this.#room?.flush();
    this.socket.close(code, reason);
  }

  /**
   * Evicts the member: its user may not be here any more. `id` is that of the frame that showed it.
   */
  evict(id?: string): void {
    this.error("forbidden", { id, message: "This user may not be in this room any more." });
    this.close(CLOSE.notAllowed, "the user may not be here any more");
  }

  endSession(): void {
    this.error("invalid_token", { message: SESSION_ENDED });
    this.close(CLOSE.tokenExpired, "the session has ended");
  }

  /**
   * Closes the connection since the room's history was lost: the client learns of the gap on its
   * return.
   */
  roomLost(): void {
    this.close(CLOSE.isolateGoing, "the room's history was lost: connect again");
  }

  /** Announces that the isolate is about to end. */
  drain({ reason, isImmediate, reconnectAfterMs }: DrainNotice): void {
    this.#isImmediate = isImmediate;
    this.#room?.flush();
    if (this.#isWelcome) {
      this.send(JSON.stringify({ type: "draining", reason, reconnect_after_ms: reconnectAfterMs }));
    }
  }

  /**
   * Cleans up after the connection. Its presence ends at once, or after the disconnect grace
   * period.
   */
  async gone({ code }: SocketClose): Promise<void> {
    const { wheel, sessions } = this.#deps;
    wheel.delete(this);
    sessions?.delete(this);
    this.#watch?.stop();
    this.#room?.delete(this);
    // In an immediate drain all entries are marked together, when the backplane closes.
    if (!this.#isImmediate) await this.presence.end(code);
  }

  check(now: number): number {
    const { heartbeatMs, expiryWarningMs, expiryGraceMs } = this.#deps;
    // Counted on arrival: messages that wait to be handled are no silence.
    const { received } = this.socket;
    if (received !== this.#received) this.#heardAt = now;
    this.#received = received;
    const silentMs = now - this.#heardAt;
    if (this.joinsFrames && silentMs >= 2 * heartbeatMs) {
      this.close(CLOSE.heartbeatMissed, `nothing was heard for ${2 * heartbeatMs} ms`);
      return heartbeatMs;
    }
    if (!this.joinsFrames) this.presence.checkSilent();
    const validMs = this.#user.expiresAt * 1000 - this.#deps.wallNow();
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
