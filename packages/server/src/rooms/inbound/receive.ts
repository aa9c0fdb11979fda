import { CLOSE } from "../../../../protocol/close_codes.ts";
import { ClientFrame, FrameId } from "../../schemas/client_frames.ts";
import { FLOOD_WAIT_MS, MAX_FRAMES_PER_MESSAGE } from "../../../../protocol/limits.ts";
import { changePresence } from "./change_presence.ts";
import { FrameRate } from "../../socket/frame_rate.ts";
import type { JoinRequest } from "../join_request.ts";
import type { Member } from "../member.ts";
import { Publisher } from "./publisher.ts";
import { readHistory } from "../read_history.ts";
import { renewToken } from "./renew_token.ts";
import type { RoomDeps } from "../room_deps.ts";

/** Receives the frames of one member: counts, checks and handles them, one after the other. */
export class Receiver {
  readonly #member: Member;
  readonly #request: JoinRequest;
  readonly #deps: RoomDeps;
  readonly #rate: FrameRate;
  readonly #publisher: Publisher;
  /** Time of the last frame, which is read once for its rate and its publish. */
  #receivedAt = 0;

  constructor(member: Member, request: JoinRequest, deps: RoomDeps) {
    const { frames_per_second, frames_burst } = deps.limits;
    this.#member = member;
    this.#request = request;
    this.#deps = deps;
    this.#rate = new FrameRate(frames_per_second, frames_burst, deps.now());
    this.#publisher = new Publisher(member, request, deps);
  }

  /** Takes a WebSocket message. */
  take(data: string | ArrayBuffer): void | Promise<void> {
    const member = this.#member;
    member.presence.heard();
    if (typeof data !== "string") return member.close(CLOSE.unsupportedData, "rooms speak text");
    const value = parseJson(data);
    if (!Array.isArray(value)) return this.#takeFrame(value);
    const isFew = value.length > 0 && value.length <= MAX_FRAMES_PER_MESSAGE;
    if (member.joinsFrames && isFew) return this.#takeAll(value);
    if (this.#isAdmitted(value)) {
      member.error("invalid_frame", {
        message: member.joinsFrames
          ? `A message holds 1 to ${MAX_FRAMES_PER_MESSAGE} frames.`
          : "Only a client that selected realtime.v1 may send several frames in one message.",
      });
    }
  }

  /**
   * Handles frames in order. Not async, so that sync frames do not delay the next WebSocket
   * message.
   */
  #takeAll(frames: readonly unknown[]): void | Promise<void> {
    for (const [index, frame] of frames.entries()) {
      // After a close by the client its earlier frames are still handled, as those of later
      // messages are.
      if (this.#member.isClosedByUs) return;
      const pending = this.#takeFrame(frame);
      if (pending) return pending.then(() => this.#takeAll(frames.slice(index + 1)));
    }
  }

  #takeFrame(value: unknown): void | Promise<void> {
    if (!this.#isAdmitted(value)) return;
    const parsed = ClientFrame.safeParse(value);
    if (parsed.success) return this.#handleSafely(parsed.data);
    const [issue] = parsed.error.issues;
    const field = issue?.path.join(".") || undefined;
    this.#member.error("invalid_frame", {
      message: isObject(value) && issue
        ? `${field ?? "The frame"} ${issue.message}`
        : "A frame is a JSON object with a type.",
      id: idOf(value),
      field,
    });
  }

  /** Answers a fault with an error; later frames of the same message are still handled. */
  #handleSafely(frame: ClientFrame): void | Promise<void> {
    try {
      return this.#handle(frame);
    } catch (error) {
      this.#member.failed(error, frame.id);
    }
  }

  #handle(frame: ClientFrame): void | Promise<void> {
    const member = this.#member;
    switch (frame.type) {
      case "publish":
        return this.#publisher.publish(frame, this.#receivedAt);
      case "presence":
        return changePresence(member, frame);
      case "history":
        return readHistory(member, this.#request.key, frame, this.#deps);
      case "auth": {
        const retryAfterMs = this.#rate.admitToken(this.#deps.now());
        if (retryAfterMs > 0) return member.error("rate_limited", { id: frame.id, retryAfterMs });
        return renewToken(member, this.#request, frame, this.#deps);
      }
      case "ping":
        return member.reply(`{"type":"pong","id":${JSON.stringify(frame.id)}}`);
      default:
        frame satisfies never;
    }
  }

  #isAdmitted(frame: unknown): boolean {
    this.#deps.metrics.framesReceived += 1;
    this.#receivedAt = this.#deps.now();
    const admission = this.#rate.admitFrame(this.#receivedAt);
    if (admission === "taken") return true;
    const isFlood = admission === "flood";
    const retryAfterMs = isFlood ? FLOOD_WAIT_MS : admission.retryAfterMs;
    this.#member.error("rate_limited", { id: idOf(frame), retryAfterMs });
    if (isFlood) this.#member.close(CLOSE.flood, `a flood: wait ${FLOOD_WAIT_MS} ms`);
    return false;
  }
}

/** The value, or undefined if the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The id of an invalid frame, if it has one. */
function idOf(value: unknown): string | undefined {
  const id = isObject(value) && "id" in value ? FrameId.safeParse(value.id) : undefined;
  return id?.success ? id.data : undefined;
}
