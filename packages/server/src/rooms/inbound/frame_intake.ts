import { CLOSE } from "../../../../protocol/close_codes.ts";
import type { ErrorCode, ErrorDetails } from "../../../../protocol/error_codes.ts";
import { FLOOD_WAIT_MS, MAX_FRAMES_PER_MESSAGE } from "../../../../protocol/limits.ts";
import { FrameRate } from "../../socket/frame_rate.ts";
import type { RoomDeps } from "../room_deps.ts";

/** The client of one connection, as the intake sees it. */
export interface FrameSender {
  /** True if it may send several frames in one WebSocket message. */
  readonly joinsFrames: boolean;
  /** True if the server closed the connection: later frames are ignored. */
  readonly isClosedByUs: boolean;
  /** The `id` of a frame, and on a socket for many rooms its `room`, if it has them. */
  about(frame: unknown): Pick<ErrorDetails, "id" | "room">;
  /** Answers with an `error` frame. */
  error(code: ErrorCode, details?: ErrorDetails): void;
  /** Closes the connection. */
  close(code: number, reason: string): void;
}

/** Handles one admitted frame, which is not validated yet. Must not throw. */
export type HandleFrame = (value: unknown) => void | Promise<void>;

/** Takes the WebSocket messages of one connection apart: counts frames and limits their rate. */
export class FrameIntake {
  readonly #sender: FrameSender;
  readonly #handle: HandleFrame;
  readonly #deps: Pick<RoomDeps, "limits" | "metrics" | "now">;
  readonly #rate: FrameRate;
  #receivedAt = 0;
  #frameLength = 0;

  constructor(
    sender: FrameSender,
    handle: HandleFrame,
    deps: Pick<RoomDeps, "limits" | "metrics" | "now">,
  ) {
    const { frames_per_second, frames_burst } = deps.limits;
    this.#sender = sender;
    this.#handle = handle;
    this.#deps = deps;
    this.#rate = new FrameRate(frames_per_second, frames_burst, deps.now());
  }

  /** Time of the last frame, by the monotonic clock; read once for its rate and its publish. */
  get receivedAt(): number {
    return this.#receivedAt;
  }

  /** Approximate length of the last frame, in characters. */
  get frameLength(): number {
    return this.#frameLength;
  }

  /** Milliseconds until a fresh token is verified; 0 is now. */
  admitToken(): number {
    return this.#rate.admitToken(this.#deps.now());
  }

  /** Takes a WebSocket message. */
  take(data: string | ArrayBuffer): void | Promise<void> {
    const sender = this.#sender;
    if (typeof data !== "string") return sender.close(CLOSE.unsupportedData, "rooms speak text");
    const value = parseJson(data);
    this.#frameLength = data.length / (Array.isArray(value) ? Math.max(1, value.length) : 1);
    if (!Array.isArray(value)) return this.#takeFrame(value);
    const isFew = value.length > 0 && value.length <= MAX_FRAMES_PER_MESSAGE;
    if (sender.joinsFrames && isFew) return this.#takeAll(value);
    if (this.#isAdmitted(value)) {
      sender.error("invalid_frame", {
        message: sender.joinsFrames
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
      if (this.#sender.isClosedByUs) return;
      const pending = this.#takeFrame(frame);
      if (pending) return pending.then(() => this.#takeAll(frames.slice(index + 1)));
    }
  }

  #takeFrame(value: unknown): void | Promise<void> {
    if (this.#isAdmitted(value)) return this.#handle(value);
  }

  #isAdmitted(frame: unknown): boolean {
    this.#deps.metrics.framesReceived += 1;
    this.#receivedAt = this.#deps.now();
    const admission = this.#rate.admitFrame(this.#receivedAt);
    if (admission === "taken") return true;
    const isFlood = admission === "flood";
    const retryAfterMs = isFlood ? FLOOD_WAIT_MS : admission.retryAfterMs;
    this.#sender.error("rate_limited", { ...this.#sender.about(frame), retryAfterMs });
    if (isFlood) this.#sender.close(CLOSE.flood, `a flood: wait ${FLOOD_WAIT_MS} ms`);
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
