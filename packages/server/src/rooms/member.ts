import type { User } from "../auth/user.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import { type ErrorCode, type ErrorDetails, errorFrame } from "../../../protocol/error_codes.ts";
import type { Socket, SocketClose } from "../socket/socket.ts";
import type { ConnectionWatch, WatchedMembers } from "./connection_watch.ts";
import { MemberPresence, type PresenceOwner } from "./member_presence.ts";
import type { PermissionWatch, RoomPermissions } from "./policy/authorize.ts";
import type { ExcludedSender } from "./outbound/excluded_senders.ts";
import { excludedAckText } from "./outbound/frame_text.ts";
import { join } from "./outbound/joined_text.ts";
import { labelled } from "./outbound/room_label.ts";
import { failureCode, logFailure } from "./failure.ts";
import type { FrameSender } from "./inbound/frame_intake.ts";
import { idOf } from "./inbound/field_checks.ts";
import type { Room, RoomMember } from "./room.ts";
import type { RoomDeps } from "./room_deps.ts";

/** The connection of a member: a socket of its own, or one that it shares with other rooms. */
export interface MemberConnection {
  readonly watch: ConnectionWatch;
  /** The socket, or the room's part of it. Its id is the connection in this room. */
  readonly socket: Socket;
  /** Set on a socket for many rooms. */
  readonly shared?: {
    /** Beginning of the room's frames (`roomLabel`). */
    readonly label: string;
    /** Id of the `join` frame. */
    readonly joinId: string;
    /** Sends a frame, also once the membership has ended. */
    readonly answer: (text: string) => void;
  };
}

/** An `error` frame that ends a membership. */
export interface EndingError {
  readonly code: ErrorCode;
  readonly details?: ErrorDetails;
}

/** A connection in a room: its user, permissions, and output. */
export class Member implements RoomMember, WatchedMembers, FrameSender, PresenceOwner {
  readonly socket: Socket;
  readonly joinsFrames: boolean;
  readonly label: string | undefined;
  readonly presence: MemberPresence;
  readonly #connection: ConnectionWatch;
  readonly #shared: MemberConnection["shared"];
  readonly #deps: RoomDeps;
  #permissions: RoomPermissions;
  #room: Room | undefined;
  #isWelcome = false;
  #isClosedByUs = false;
  #watch: PermissionWatch | undefined;

  /** `key` is the room's name in the backplane. */
  constructor(
    { socket, watch, shared }: MemberConnection,
    key: string,
    permissions: RoomPermissions,
    deps: RoomDeps,
  ) {
    this.socket = socket;
    this.joinsFrames = watch.joinsFrames;
    this.label = shared?.label;
    this.#connection = watch;
    this.#shared = shared;
    this.#deps = deps;
    this.#permissions = permissions;
    this.presence = new MemberPresence(this, key, deps);
  }

  get connection(): string {
    return this.socket.id;
  }

  /** Id of the `join` frame, on a socket for many rooms. */
  get joinId(): string | undefined {
    return this.#shared?.joinId;
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
  get room(): Room | undefined {
    return this.#room;
  }

  /** Sends text as it is. Frames that belong into the room's order go through `reply`. */
  send(text: string): void {
    if (this.#shared) this.socket.send(text);
    else this.#connection.send(text);
  }

  /** Sends frames now, before the member is live. */
  sendFrames(frames: readonly string[]): void {
    if (frames.length === 0) return;
    const texts = this.label === undefined ? frames : frames.map((text) => labelled(text, this.label));
    if (this.joinsFrames) this.send(join(texts));
    else for (const text of texts) this.send(text);
  }

  /** Sends `welcome`, the first frame. */
  welcome(text: string): void {
    this.#isWelcome = true;
    this.#connection.ready();
    this.sendFrames([text]);
  }

  /** Sends a frame for this member only, in order with the room's frames. */
  reply(text: string): void {
    // What was under way when the membership ended is answered all the same.
    if (this.#shared && this.#isClosedByUs) this.#shared.answer(labelled(text, this.label));
    else if (this.#room) this.#room.reply(this, text);
    else this.sendFrames([text]);
  }

  /** The `id` of a frame that came over the room's own socket. */
  about(frame: unknown): Pick<ErrorDetails, "id"> {
    return { id: idOf(frame) };
  }

  /** Excludes this member from the delivery of its own message, if it is live. */
  exclude(id: string): ExcludedSender<RoomMember> | undefined {
    return this.#room?.exclude(this, id);
  }

  /** Acks a stored message that this member does not get, unless the room has done so. */
  ackExcluded(note: ExcludedSender<RoomMember>, id: string, offset: number): void {
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
    this.error(this.#failureCode(error), { id });
  }

  /** Ends the membership since it failed. Logs the reason. */
  endFailed(error: unknown, code: number, reason: string): void {
    this.close(code, reason, { code: this.#failureCode(error) });
  }

  /** Logs a failure: the backplane is away, or the fault is ours. */
  logFailure(error: unknown): void {
    logFailure(error, { socket: this.#connection.socket.id, user: this.user.id }, this.#deps.log);
  }

  #failureCode(error: unknown): ErrorCode {
    const code = failureCode(error);
    if (code !== "rate_limited") this.logFailure(error);
    return code;
  }

  /** Makes the member live in a room: `sendRest` brings it up to date. */
  enter(room: Room, sendRest: () => void): void {
    room.add(this, sendRest);
    this.#room = room;
  }

  /** Sends the presence list, once the member may see it. */
  showPresence(): void {
    this.#room?.showPresence(this);
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

  /**
   * Ends the membership after sending pending frames. Closes a socket of its own. On a socket for
   * many rooms an `error` says that it ended; without `error` it is that of the close code.
   */
  close(code: number, reason: string, error?: EndingError): void {
    if (!this.#shared) {
      this.#isClosedByUs = true;
      if (error) this.error(error.code, error.details);
      this.flush();
      return this.socket.close(code, reason);
    }
    if (this.#isClosedByUs) return;
    const { code: errorCode, details } = error ?? { code: endingCode(code), details: { message: reason } };
    const id = details?.id ?? (this.#isWelcome ? undefined : this.#shared.joinId);
    this.error(errorCode, { ...details, id, ended: true });
    this.#leaveRoom();
    this.socket.close(code, reason);
  }

  /** Leaves a room of a socket for many rooms; pending frames are sent first. */
  leave(): void {
    this.#leaveRoom();
    this.socket.close(CLOSE.done, "left");
  }

  #leaveRoom(): void {
    this.flush();
    this.#isClosedByUs = true;
    this.#room?.delete(this);
  }

  /**
   * Evicts the member: its user may not be here any more. `id` is that of the frame that showed it.
   */
  evict(id?: string): void {
    const details = { id, message: "This user may not be in this room any more." };
    this.close(CLOSE.notAllowed, "the user may not be here any more", { code: "forbidden", details });
  }

  /** Evicts the member because the server's code or an operator wants it. */
  kick(reason: string = "Removed from this room."): void {
    this.close(CLOSE.notAllowed, reason, { code: "forbidden", details: { message: reason } });
    // A client that answers no close would stay present for seconds. `gone` ends the entry once
    // more, since a resume that is under way may take one over after this call.
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

/** Code of the `error` that ends a membership, for the close code of a room's own socket. */
function endingCode(close: number): ErrorCode {
  if (close === CLOSE.notAllowed) return "forbidden";
  return close === CLOSE.internal ? "internal" : "unavailable";
}
