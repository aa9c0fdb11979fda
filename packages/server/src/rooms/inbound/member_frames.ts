import type { CallFrame, HistoryFrame, PresenceFrame, PublishFrame } from "../../../../protocol/frames.ts";
import type { JoinRequest } from "../join_request.ts";
import type { Member } from "../member.ts";
import { readHistory } from "../read_history.ts";
import type { RoomDeps } from "../room_deps.ts";
import { MemberContext } from "../server_code/member_context.ts";
import { askPublishHook } from "../server_code/publish_hook.ts";
import { Calls } from "./calls.ts";
import { changePresence } from "./change_presence.ts";
import { type AskHook, Publisher } from "./publisher.ts";

/** A frame that concerns one room; the others concern the connection. */
export type MemberFrame = PublishFrame | PresenceFrame | HistoryFrame | CallFrame;

/** Handles the frames of one member in its room. */
export class MemberFrames {
  readonly #member: Member;
  readonly #request: JoinRequest;
  readonly #deps: RoomDeps;
  readonly #publisher: Publisher;
  readonly #calls: Calls;

  constructor(member: Member, request: JoinRequest, deps: RoomDeps) {
    this.#member = member;
    this.#request = request;
    this.#deps = deps;
    const { code, key } = request;
    const context = code && new MemberContext(member, key, code.rooms);
    this.#publisher = new Publisher(member, request, deps, context && createAskHook(context, request, deps));
    this.#calls = new Calls(member, context, code?.methods, deps);
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
        return changePresence(this.#member, frame, this.#request.code?.presence);
      case "history":
        return readHistory(this.#member, this.#request.key, frame, this.#deps);
      case "call":
        return this.#calls.call(frame);
      default:
        frame satisfies never;
    }
  }
}

/** Asks `onPublish` of a member's endpoint; undefined without one. */
function createAskHook(
  context: MemberContext,
  { code, events }: JoinRequest,
  { limits }: RoomDeps,
): AskHook | undefined {
  const onPublish = code?.onPublish;
  return onPublish && ((message) => askPublishHook(onPublish, message, context, { events, limits }));
}
