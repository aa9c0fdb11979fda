import { CLOSE } from "../../../../protocol/close_codes.ts";
import type { ErrorCode, ErrorDetails } from "../../../../protocol/error_codes.ts";
import type { JoinFrame } from "../../../../protocol/frames.ts";
import type { User } from "../../auth/user.ts";
import type { SocketClose } from "../../socket/socket.ts";
import type { MemberFrame } from "../inbound/member_frames.ts";
import type { Member, MemberConnection } from "../member.ts";
import type { Membership } from "../membership.ts";
import { ackText } from "../outbound/frame_text.ts";
import { labelled, roomLabel } from "../outbound/room_label.ts";
import type { Admission } from "./admission.ts";
import type { RoomSocket } from "./room_socket.ts";

/** The socket for many rooms, as one of its memberships sees it. */
export interface SharedSocket {
  /** The user of the newest token. */
  readonly user: User;
  /** Decides about the join for a user. A rejection is a fault of ours. */
  admit(join: JoinFrame, user: User): Promise<Admission>;
  /** Opens the membership of an admitted user, or returns the reason not to. */
  open(admission: Admission, part: Omit<MemberConnection, "watch">): Membership | EndingError;
  /** Creates the room's part of the socket. */
  createPart(onClose: (close: SocketClose) => void): RoomSocket;
  /** Sends a frame. */
  reply(text: string): void;
  /** Answers with an `error` frame. */
  error(code: ErrorCode, details: ErrorDetails): void;
  /** Logs a fault of ours. */
  logFailure(error: unknown): void;
  /** Counts a frame that has to wait; false if too many wait already. */
  reserve(length: number): boolean;
  /** Stops counting such a frame. */
  release(length: number): void;
  /** Reports that the membership takes no more frames. It counts until `ended`. */
  ending(membership: SharedMembership): void;
  /** Reports that the membership is cleaned up. */
  ended(membership: SharedMembership): void;
}

/** An `error` in place of a membership. */
interface EndingError {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
}

/** A frame that waits for the ones before it. */
interface QueuedFrame {
  readonly frame: MemberFrame;
  readonly receivedAt: number;
  readonly length: number;
}

/**
 * One membership of a socket for many rooms, from its `join` until it is cleaned up. Frames of one
 * room are handled in order; other rooms do not wait for them.
 */
export class SharedMembership {
  /** The room as `ENDPOINT/ID`. */
  readonly room: string;
  readonly #join: JoinFrame;
  readonly #socket: SharedSocket;
  readonly #part: RoomSocket;
  readonly #label: string;
  readonly #queue: QueuedFrame[] = [];
  #membership: Membership | undefined;
  /** True while a frame or the join is under way: later frames wait. */
  #isBusy = true;
  #close: SocketClose | undefined;
  #isEndedByUs = false;
  #leaveId: string | undefined;
  readonly #cleanedUp = Promise.withResolvers<void>();

  constructor(join: JoinFrame, socket: SharedSocket) {
    this.room = join.room;
    this.#join = join;
    this.#socket = socket;
    this.#label = roomLabel(join.room);
    this.#part = socket.createPart((close) => this.#ending(close));
  }

  /** The member, once the user is admitted. */
  get opened(): Membership | undefined {
    return this.#close ? undefined : this.#membership;
  }

  get member(): Member | undefined {
    return this.opened?.member;
  }

  /** Joins the room. Never rejects. */
  async join(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      this.#socket.logFailure(error);
      this.#refuse("internal", {});
    }
    await this.#processQueue();
  }

  /** Takes a frame of the client. */
  take(frame: MemberFrame, receivedAt: number, length: number): void {
    if (this.#isBusy) {
      if (this.#socket.reserve(length)) this.#queue.push({ frame, receivedAt, length });
      else this.#socket.error("rate_limited", { room: this.room, id: frame.id, message: TOO_MANY_WAIT });
      return;
    }
    const pending = this.#membership?.frames.handle(frame, receivedAt);
    if (!pending) return;
    this.#isBusy = true;
    void pending.then(() => this.#processQueue());
  }

  /** Leaves the room. Frames that wait are handled first, and then the `leave` is answered. */
  leave(id: string): void {
    this.#leaveId = id;
    if (this.#membership) this.#membership.member.leave();
    else this.#part.close(CLOSE.done, "left");
  }

  /** Cleans up after the socket. Resolves when that is done. */
  async connectionClosed(close: SocketClose): Promise<void> {
    if (!this.#close) {
      this.#close = close;
      this.#socket.ending(this);
      if (!this.#isBusy) void this.#cleanUp(close);
    }
    await this.#cleanedUp.promise;
  }

  async #open(): Promise<void> {
    const socket = this.#socket;
    let admission: Admission;
    let user: User;
    do {
      user = socket.user;
      admission = await socket.admit(this.#join, user);
      if (!this.#part.isOpen) return;
      // A fresh token came in between: it decides.
    } while (user !== socket.user);
    const opened = socket.open(admission, {
      socket: this.#part,
      shared: {
        label: this.#label,
        joinId: this.#join.id,
        answer: (text) => socket.reply(text),
      },
    });
    if ("code" in opened) return this.#refuse(opened.code, opened.details);
    this.#membership = opened;
    await opened.joined;
  }

  #refuse(code: ErrorCode, details: ErrorDetails): void {
    const { member } = this;
    if (member) return member.close(CLOSE.internal, "the join failed", { code, details });
    if (!this.#part.isOpen) return;
    this.#socket.error(code, { ...details, room: this.room, id: this.#join.id, ended: true });
    this.#part.close(CLOSE.done, "refused");
  }

  /** Never rejects. */
  async #processQueue(): Promise<void> {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      const { frame, receivedAt, length } = next;
      this.#socket.release(length);
      if (this.#membership && !this.#isEndedByUs) await this.#membership.frames.handle(frame, receivedAt);
      else this.#socket.error("not_joined", { room: this.room, id: frame.id });
    }
    this.#isBusy = false;
    if (this.#close) await this.#cleanUp(this.#close);
  }

  /** Runs once, when the room's part of the socket is closed. */
  #ending(close: SocketClose): void {
    if (this.#close) return;
    this.#close = close;
    this.#isEndedByUs = this.#leaveId === undefined;
    this.#socket.ending(this);
    if (!this.#isBusy) void this.#cleanUp(close);
  }

  /** Never rejects. */
  async #cleanUp(close: SocketClose): Promise<void> {
    try {
      await this.#membership?.end(close);
    } catch (error) {
      this.#socket.logFailure(error);
    }
    if (this.#leaveId !== undefined) this.#socket.reply(labelled(ackText(this.#leaveId), this.#label));
    this.#socket.ended(this);
    this.#cleanedUp.resolve();
  }
}

/** Text for a frame that is refused since too many wait for one room. */
const TOO_MANY_WAIT = "Too many frames wait for this room. Send this one again after `retry_after_ms`.";
