import type { HistoryFrame, PresenceFrame, PublishFrame } from "../../../../protocol/frames.ts";
import type { JoinRequest } from "../join_request.ts";
import type { Member } from "../member.ts";
import { readHistory } from "../read_history.ts";
import type { RoomDeps } from "../room_deps.ts";
import { changePresence } from "./change_presence.ts";
import { Publisher } from "./publisher.ts";

/** A frame that concerns one room; the others concern the connection. */
export type MemberFrame = PublishFrame | PresenceFrame | HistoryFrame;

/** Handles the frames of one member in its room. */
export class MemberFrames {
  readonly #member: Member;
  readonly #request: JoinRequest;
  readonly #deps: RoomDeps;
  readonly #publisher: Publisher;

  constructor(member: Member, request: JoinRequest, deps: RoomDeps) {
    this.#member = member;
    this.#request = request;
    this.#deps = deps;
    this.#publisher = new Publisher(member, request, deps);
  }

  /**
   * Handles a frame that was received at `receivedAt`, by the monotonic clock. Answers a fault with
   * an error, so it never throws.
   */
  handle(frame: MemberFrame, receivedAt: number): void | Promise<void> {
    try {
      return this.#handle(frame, receivedAt);
    } catch (error) {
      this.#member.failed(error, frame.id);
    }
  }

  #handle(frame: MemberFrame, receivedAt: number): void | Promise<void> {
    switch (frame.type) {
      case "publish":
        return this.#publisher.publish(frame, receivedAt);
      case "presence":
        return changePresence(this.#member, frame);
      case "history":
        return readHistory(this.#member, this.#request.key, frame, this.#deps);
      default:
        frame satisfies never;
    }
  }
}
