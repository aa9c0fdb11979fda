import type { User } from "../auth/user.ts";
import { BackplaneUnavailable } from "../backplane/contract.ts";
import { errorFields } from "../observability/log.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import { type ErrorCode, type ErrorDetails, errorFrame } from "../../../protocol/error_codes.ts";
import type { Socket, SocketClose } from "../socket/socket.ts";
import type { ConnectionWatch, WatchedMembers } from "./connection_watch.ts";
import { MemberPresence, type PresenceOwner } from "./member_presence.ts";
import type { PermissionWatch, RoomPermissions } from "./policy/authorize.ts";
import type { ExcludedSender } from "./outbound/excluded_senders.ts";
import type { Recipient } from "./outbound/fan_out.ts";
import { excludedAckText } from "./outbound/frame_text.ts";
import type { RecentMessages } from "./outbound/recent_messages.ts";
import { TooManyReads } from "./read_limits.ts";
import type { RoomDeps } from "./room_deps.ts";

/** The part of a room that its members use. */
export interface RoomOutput {
  readonly recent: RecentMessages;
  /** The `presence` frame that lists all members. */
  presenceText(): string;
  /** Sends a frame to one member, in order with the frames to everybody. */
  reply(member: Member, text: string): void;
  /** Excludes a member from the delivery of its own message. */
  exclude(member: Member, id: string): ExcludedSender<Member>;
  /** Records that an excluded sender's message is stored at an offset. */
  stored(note: ExcludedSender<Member>, offset: number): void;
  /** Sends all waiting frames now. */
  flush(): void;
  /** Removes a member. */
  delete(member: Member): void;
}

/** A connection in a room: its user, permissions, and output. */
export class Member implements Recipient, WatchedMembers, PresenceOwner {
  readonly socket: Socket;
  readonly joinsFrames: boolean;
  readonly presence: MemberPresence;
  readonly #connection: ConnectionWatch;
  readonly #deps: RoomDeps;
  #permissions: RoomPermissions;
  #room: RoomOutput | undefined;
  #isClosedByUs = false;
  #watch: PermissionWatch | undefined;

  /** `key` is the room's name in the backplane. */
  constructor(connection: ConnectionWatch, key: string, permissions: RoomPermissions, deps: RoomDeps) {
    this.socket = connection.socket;
    this.joinsFrames = connection.joinsFrames;
    this.#connection = connection;
    this.#deps = deps;
    this.#permissions = permissions;
    this.presence = new MemberPresence(this, key, deps);
  }

  get connection(): string {
    return this.socket.id;
  }

  /** The user of the newest token. */
  get user(): User {
    return this.#connection.user;
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
    this.#connection.send(text);
  }

  /** Sends `welcome`, the first frame. */
  welcome(text: string): void {
    this.#connection.ready();
    this.send(text);
  }

  /** Sends a frame for this member only, in order with the room's frames. */
  reply(text: string): void {
    if (this.#room) this.#room.reply(this, text);
    else this.send(text);
  }

  /** Excludes this member from the delivery of its own message, if it is live. */
  exclude(id: string): ExcludedSender<Member> | undefined {
    return this.#room?.exclude(this, id);
  }

  /** Acks a stored message that this member does not get, unless the room has done so. */
  ackExcluded(note: ExcludedSender<Member>, id: string, offset: number): void {
    this.#room?.stored(note, offset);
    if (note.isAcked) return;
    note.isAcked = true;
    this.reply(excludedAckText(id, offset));
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
    const about = { socket: this.connection, user: this.user.id, ...errorFields(error) };
    if (error instanceof BackplaneUnavailable) this.#deps.log.warn("backplane.unavailable", about);
    else this.#deps.log.error("room.failed", about);
  }

  /** Records that the member is live in the room. */
  enter(room: RoomOutput): void {
    this.#room = room;
  }

  /** Applies the permissions of a fresh token. */
  renew(permissions: RoomPermissions): void {
    this.permit(permissions);
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
    this.flush();
    this.socket.close(code, reason);
  }

  /**
   * Evicts the member: its user may not be here any more. `id` is that of the frame that showed it.
   */
  evict(id?: string): void {
    this.error("forbidden", { id, message: "This user may not be in this room any more." });
    this.close(CLOSE.notAllowed, "the user may not be here any more");
  }

  /** Evicts the member because the server's code or an operator wants it. */
  kick(reason: string = "Removed from this room."): void {
    this.error("forbidden", { message: reason });
    this.close(CLOSE.notAllowed, reason);
    // A client that answers no close would stay present for seconds.
    void this.presence.end(CLOSE.notAllowed);
  }

  /**
   * Closes the connection since the room's history was lost: the client learns of the gap on its
   * return.
   */
  roomLost(): void {
    this.close(CLOSE.isolateGoing, "the room's history was lost: connect again");
  }

  /** Sends all waiting frames of the room now. */
  flush(): void {
    this.#room?.flush();
  }

  checkSilent(): void {
    this.presence.checkSilent();
  }

  /**
   * Cleans up after the connection. Its presence ends at once, or after the disconnect grace
   * period.
   */
  async gone({ code }: SocketClose): Promise<void> {
    this.#watch?.stop();
    this.#room?.delete(this);
    // In an immediate drain all entries are marked together, when the backplane closes.
    if (!this.#connection.isDrainedAtOnce) await this.presence.end(code);
  }
}
