import { ClientFrame } from "../../schemas/client_frames.ts";
import type { ConnectionWatch } from "../connection_watch.ts";
import type { JoinRequest } from "../join_request.ts";
import type { Member } from "../member.ts";
import { pongText } from "../outbound/frame_text.ts";
import type { RoomDeps } from "../room_deps.ts";
import { FrameIntake } from "./frame_intake.ts";
import { MemberFrames } from "./member_frames.ts";
import { parseFrame } from "./parse_frame.ts";
import { renewToken } from "./renew_token.ts";

/** Receives the frames of a room's own socket, and handles them one after the other. */
export class Receiver {
  readonly #connection: ConnectionWatch;
  readonly #member: Member;
  readonly #request: JoinRequest;
  readonly #deps: RoomDeps;
  readonly #intake: FrameIntake;
  readonly #frames: MemberFrames;

  constructor(connection: ConnectionWatch, member: Member, request: JoinRequest, deps: RoomDeps) {
    this.#connection = connection;
    this.#member = member;
    this.#request = request;
    this.#deps = deps;
    this.#intake = new FrameIntake(member, (value) => this.#take(value), deps);
    this.#frames = new MemberFrames(member, request, deps);
  }

  /** Takes a WebSocket message. */
  take(data: string | ArrayBuffer): void | Promise<void> {
    this.#member.presence.heard();
    return this.#intake.take(data);
  }

  #take(value: unknown): void | Promise<void> {
    const member = this.#member;
    const { frame, problem } = parseFrame(ClientFrame, value);
    if (problem) return member.error("invalid_frame", problem);
    switch (frame.type) {
      case "auth": {
        const retryAfterMs = this.#intake.admitToken();
        if (retryAfterMs > 0) return member.error("rate_limited", { id: frame.id, retryAfterMs });
        return renewToken(this.#connection, member, this.#request, frame, this.#deps);
      }
      case "ping":
        return member.reply(pongText(frame.id));
      default:
        return this.#frames.handle(frame, this.#intake.receivedAt);
    }
  }
}
