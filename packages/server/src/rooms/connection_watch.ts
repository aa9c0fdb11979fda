import type { SessionConnection } from "../auth/session_watch.ts";
import type { User } from "../auth/user.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import type { ErrorCode, ErrorDetails } from "../../../protocol/error_codes.ts";
import { REALTIME_V1 } from "../../../protocol/subprotocols.ts";
import type { DrainNotice, Socket } from "../socket/socket.ts";
import type { Timed } from "../socket/timing_wheel.ts";
import { SESSION_ENDED } from "../socket/watch_token.ts";
import { HEARTBEAT_TEXT } from "./outbound/frame_text.ts";
import type { RoomDeps } from "./room_deps.ts";

/**
 * Heartbeats of all connections go out at common moments, this part of the interval apart. An idle
 * isolate then wakes once for all of them, and most of their cost is the waking.
 */
const BEAT_PART = 0.35;
/**
 * Least silence before a heartbeat, as a part of the interval. With `BEAT_PART` the sum is 0.85;
 * the rest allows for the wheel's ticks.
 */
const SILENT_PART = 0.5;

/** The memberships that a connection carries: one, or all those of a socket for many rooms. */
export interface WatchedMembers {
  /** Sends a frame of the connection, in order with the frames of its rooms. */
  reply(text: string): void;
  /** Answers with an `error` frame. */
  error(code: ErrorCode, details?: ErrorDetails): void;
  /** Sends all waiting frames now. */
  flush(): void;
  /** Closes the connection after sending pending frames. */
  close(code: number, reason: string): void;
  /** Runs at each check of a client without a heartbeat. */
  checkSilent(): void;
}

/** Dependencies of a watch. */
export type ConnectionWatchDeps = Pick<
  RoomDeps,
  "wheel" | "sessions" | "wallNow" | "heartbeatMs" | "expiryWarningMs" | "expiryGraceMs"
>;

/**
 * Watches one connection, however many memberships it carries: its heartbeat in both directions,
 * its token's expiry, its session, and the drain of the isolate.
 */
export class ConnectionWatch implements Timed, SessionConnection {
  readonly socket: Socket;
  /** True if the client takes several frames in one WebSocket message, and sends heartbeats. */
  readonly joinsFrames: boolean;
  readonly #deps: ConnectionWatchDeps;
  #members: WatchedMembers | undefined;
  #user: User;
  #sentAt = 0;
  #heardAt = 0;
  /** Number of messages that had arrived at the last check. */
  #received = 0;
  #isReady = false;
  #isWarned = false;
  #isDrainedAtOnce = false;

  constructor(socket: Socket, deps: ConnectionWatchDeps) {
    this.socket = socket;
    this.joinsFrames = socket.protocol === REALTIME_V1;
    this.#deps = deps;
    this.#user = socket.user;
  }

  /** The user of the newest token. */
  get user(): User {
    return this.#user;
  }

  /** True if an immediate drain ends the connection. */
  get isDrainedAtOnce(): boolean {
    return this.#isDrainedAtOnce;
  }

  /** Starts to watch. */
  start(members: WatchedMembers): void {
    const { wheel, sessions } = this.#deps;
    this.#members = members;
    wheel.add(this, 0);
    sessions?.add(this, this.#user);
    this.#sentAt = this.#heardAt = wheel.now;
  }

  /** Ends the watch. */
  stop(): void {
    this.#deps.wheel.delete(this);
    this.#deps.sessions?.delete(this);
  }

  /** Records that the client may get frames of the connection itself, such as `expiring`. */
  ready(): void {
    this.#isReady = true;
  }

  /** Sends text now. */
  send(text: string): void {
    this.#sentAt = this.#deps.wheel.now;
    this.socket.send(text);
  }

  /** Applies a fresh token. */
  renew(user: User): void {
    // A client that has no newer token yet sends the old one again; one warning is enough for it.
    if (user.expiresAt !== this.#user.expiresAt) this.#isWarned = false;
    this.#user = user;
    this.#deps.sessions?.add(this, user);
    this.#deps.wheel.add(this, 0);
  }

  endSession(): void {
    this.#members?.error("invalid_token", { message: SESSION_ENDED });
    this.#members?.close(CLOSE.tokenExpired, "the session has ended");
  }

  /** Announces that the isolate is about to end. */
  drain({ reason, isImmediate, reconnectAfterMs }: DrainNotice): void {
    this.#isDrainedAtOnce = isImmediate;
    this.#members?.flush();
    if (this.#isReady) {
      this.send(JSON.stringify({ type: "draining", reason, reconnect_after_ms: reconnectAfterMs }));
    }
  }

  check(now: number): number {
    const { heartbeatMs, expiryWarningMs, expiryGraceMs } = this.#deps;
    // Counted on arrival: messages that wait to be handled are no silence.
    const { received } = this.socket;
    if (received !== this.#received) this.#heardAt = now;
    this.#received = received;
    const silentMs = now - this.#heardAt;
    if (this.joinsFrames && silentMs >= 2 * heartbeatMs) {
      this.#members?.close(CLOSE.heartbeatMissed, `nothing was heard for ${2 * heartbeatMs} ms`);
      return heartbeatMs;
    }
    if (!this.joinsFrames) this.#members?.checkSilent();
    const validMs = this.#user.expiresAt * 1000 - this.#deps.wallNow();
    if (validMs <= -expiryGraceMs) {
      this.#members?.close(CLOSE.tokenExpired, "the token has expired");
      return heartbeatMs;
    }
    if (validMs <= expiryWarningMs && !this.#isWarned && this.#isReady) {
      this.#isWarned = true;
      this.#members?.reply(JSON.stringify({ type: "expiring", expires_at: this.#user.expiresAt }));
    }
    if (now >= this.#beatAt() && this.#isReady) this.#members?.reply(HEARTBEAT_TEXT);
    return Math.min(
      this.#beatAt() - now,
      this.joinsFrames ? 2 * heartbeatMs - silentMs : Infinity,
      this.#isWarned ? validMs + expiryGraceMs : validMs - expiryWarningMs,
    );
  }

  /** The first common moment at which the server has been silent for long enough. */
  #beatAt(): number {
    const { heartbeatMs } = this.#deps;
    const apartMs = heartbeatMs * BEAT_PART;
    return Math.ceil((this.#sentAt + heartbeatMs * SILENT_PART) / apartMs) * apartMs;
  }
}
