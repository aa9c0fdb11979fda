import type { ConnectionWatch } from "../connection_watch.ts";
import type { Membership } from "../membership.ts";
import { pongText } from "../outbound/frame_text.ts";
import type { RoomDeps } from "../room_deps.ts";
import { FrameIntake } from "./frame_intake.ts";
import { parseClientFrame } from "./parse_client_frame.ts";
import { renewToken } from "./renew_token.ts";

/** Receives the frames of a room's own socket, and handles them one after the other. */
export class Receiver {
  readonly #connection: ConnectionWatch;
  readonly #membership: Membership;
  readonly #deps: RoomDeps;
  readonly #intake: FrameIntake;

  constructor(connection: ConnectionWatch, membership: Membership, deps: RoomDeps) {
    this.#connection = connection;
    this.#membership = membership;
    this.#deps = deps;
    this.#intake = new FrameIntake(membership.member, (value) => this.#take(value), deps);
  }

  /** Takes a WebSocket message. */
  take(data: string | ArrayBuffer): void | Promise<void> {
    this.#membership.member.presence.heard();
    return this.#intake.take(data);
  }

  #take(value: unknown): void | Promise<void> {
    const { member, frames } = this.#membership;
    const { frame, problem } = parseClientFrame(value);
    if (problem) return member.error("invalid_frame", problem);
    switch (frame.type) {
      case "auth": {
        const retryAfterMs = this.#intake.admitToken();
        if (retryAfterMs > 0) return member.error("rate_limited", { id: frame.id, retryAfterMs });
        return renewToken(this.#connection, this.#membership, frame, this.#deps);
      }
      case "ping":
        return member.reply(pongText(frame.id));
      default:
        return frames.handle(frame, this.#intake.receivedAt);
    }
  }
}
