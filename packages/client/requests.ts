import type { Clock } from "./clock.ts";
import { errorOf, RoomError } from "./errors.ts";
import type {
  AckFrame,
  AuthenticatedFrame,
  ClientFrame,
  HistoryPageFrame,
  WelcomeFrame,
} from "../protocol/frames.ts";
import type { ErrorFrame } from "../protocol/error_codes.ts";
import { Pace } from "./throttle.ts";

/** A frame that has an answer. */
export type RequestFrame = Exclude<ClientFrame, { type: "ping" }>;
/** What answers a frame of a type. */
export interface AnswerTo {
  readonly publish: AckFrame;
  readonly presence: AckFrame;
  readonly history: HistoryPageFrame;
  readonly auth: AuthenticatedFrame;
}
/** What answers one. */
export type Answer = AnswerTo[keyof AnswerTo];

/** How a frame is sent. */
export interface RequestOptions {
  /** Whether it is sent again on the next connection, and after an error that may pass. Else it is rejected, with `offline`. */
  readonly again: boolean;
  /** When it was first sent, in an earlier page load; null: not yet. */
  readonly sentAt?: number | null;
  /** Called when it is sent for the first time. */
  readonly onFirstSent?: (now: number) => void;
}

interface Request extends RequestOptions {
  readonly frame: RequestFrame;
  readonly text: string;
  sentAt: number | null;
  /** Whether it was sent on this connection. */
  isSent: boolean;
  faults: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: RoomError) => void;
}

/** What the requests need of the room. */
export interface RequestParts {
  readonly clock: Clock;
  /** Sends one WebSocket message, and tells what is in it. */
  readonly send: (text: string, frames: readonly ClientFrame[]) => void;
}

/** The server takes so many frames in one WebSocket message. */
const MAX_BATCH = 100;
/** A frame that fails on the server's side (`internal`) is sent so many times. */
const MAX_FAULTS = 5;

/**
 * Frames that wait for their answers, in the order in which they were asked for. What is asked for in one turn goes in one WebSocket
 * message; no faster than the server takes it; and on the next connection again, under the same id.
 */
export class Requests {
  readonly #parts: RequestParts;
  /** By id, in order. */
  readonly #requests = new Map<string, Request>();
  #isConnected = false;
  /** While frames may be sent. */
  #connection: { readonly pace: Pace; readonly maxBytes: number } | null = null;
  #notBefore = 0;
  #closedBy: RoomError | null = null;
  #isScheduled = false;
  #cancelTimer = () => {};

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  /** With a reason everything is given up, and nothing is taken; with null, everything again. */
  set closedBy(reason: RoomError | null) {
    this.#closedBy = reason;
    if (reason) this.rejectAll(reason);
  }

  get closedBy(): RoomError | null {
    return this.#closedBy;
  }

  /** Whether what is asked for now goes now. */
  get isOpen(): boolean {
    return this.#connection !== null;
  }

  /**
   * Sends a frame, now or when there is a connection, and resolves with its answer.
   * @throws {RoomError} the server's code; `offline`, `outcome_unknown`; what `rejectAll` was given, or why the room is closed
   * @throws {TypeError} when it cannot be JSON
   */
  ask<Frame extends RequestFrame>(frame: Frame, options: RequestOptions): Promise<AnswerTo[Frame["type"]]> {
    const text = JSON.stringify(frame);
    return new Promise<Answer>((resolve, reject) => {
      if (this.#closedBy) return reject(this.#closedBy);
      if (!options.again && !this.#isConnected) return reject(offline());
      const request = { sentAt: null, ...options, frame, text, isSent: false, faults: 0, resolve, reject };
      this.#requests.set(frame.id, request);
      this.#schedule();
      // The server answers each type with its own.
    }) as Promise<AnswerTo[Frame["type"]]>;
  }

  /** There is a connection; what is asked for waits until it can be used. */
  connected(): void {
    this.#isConnected = true;
  }

  /**
   * The connection can be used. `isLossless`: all that was stored before it has been seen; else what was sent longer ago than the server
   * recognizes retries may have been stored or not, and is rejected with `outcome_unknown`.
   */
  begin({ limits }: WelcomeFrame, isLossless: boolean): void {
    const now = this.#parts.clock.now();
    const { frames_per_second = 10, frames_burst = 10, max_frame_bytes = 65_536, dedupe_seconds = 0 } =
      limits;
    const recognizedFrom = now - dedupe_seconds * 1000;
    for (const request of this.#requests.values()) {
      if (isLossless || request.sentAt === null || request.sentAt > recognizedFrom) continue;
      const text = "It is not known whether the message was stored.";
      this.#reject(request, new RoomError("outcome_unknown", text));
    }
    this.#connection = { pace: new Pace(frames_per_second, frames_burst, now), maxBytes: max_frame_bytes };
    this.#notBefore = 0;
    this.#schedule();
  }

  /** The connection is gone: what was sent and not answered waits for the next one. */
  end(): void {
    this.#isConnected = false;
    this.#connection = null;
    this.#cancelTimer();
    for (const request of this.#requests.values()) {
      request.isSent = false;
      if (!request.again) this.#reject(request, offline());
    }
  }

  /** Takes an answer. Returns false when nobody waits for it. */
  answer(frame: Answer | ErrorFrame): boolean {
    const request = this.#requests.get(frame.id ?? "");
    if (!request) return false;
    if (frame.type !== "error") {
      this.#requests.delete(request.frame.id);
      request.resolve(frame);
    } else if (mayTryAgain(request, frame)) {
      request.isSent = false;
      this.#notBefore = this.#parts.clock.now() + (frame.retry_after_ms ?? 0);
      this.#schedule();
    } else this.#reject(request, errorOf(frame));
    return true;
  }

  /** A message of this user came: if it is one whose ack is waited for, it is stored. */
  delivered(id: string, offset: number): void {
    const frame = this.#requests.get(id)?.frame;
    if (frame?.type === "publish" && !frame.ephemeral) this.answer({ type: "ack", id, offset });
  }

  /** Gives up everything that waits. */
  rejectAll(error: RoomError): void {
    for (const request of this.#requests.values()) this.#reject(request, error);
  }

  #reject(request: Request, error: RoomError): void {
    this.#requests.delete(request.frame.id);
    request.reject(error);
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#connection) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  /** Sends what may go now, as few WebSocket messages; for the rest it comes back. */
  #flush(): void {
    this.#cancelTimer();
    if (!this.#connection) return;
    const { clock } = this.#parts;
    const { pace, maxBytes } = this.#connection;
    const now = clock.now();
    let batch: Request[] = [];
    let bytes = 0;
    for (const request of this.#requests.values()) {
      if (request.isSent) continue;
      const waitMs = Math.max(this.#notBefore - now, pace.waitMs(now));
      if (waitMs > 0) {
        this.#cancelTimer = clock.setTimer(() => this.#flush(), waitMs);
        break;
      }
      const size = encoder.encode(request.text).length;
      if (size > maxBytes) {
        const text = `The frame has ${size} bytes; the server takes ${maxBytes}.`;
        this.#reject(request, new RoomError("too_large", text, { field: "data" }));
        continue;
      }
      // The brackets of an array, and a comma behind each but the last.
      if (bytes + size + 2 > maxBytes || batch.length === MAX_BATCH) {
        this.#send(batch, now);
        batch = [];
        bytes = 0;
      }
      bytes += size + 1;
      batch.push(request);
      pace.take();
    }
    this.#send(batch, now);
  }

  #send(batch: readonly Request[], now: number): void {
    if (batch.length === 0) return;
    for (const request of batch) {
      request.isSent = true;
      if (request.sentAt !== null) continue;
      request.sentAt = now;
      request.onFirstSent?.(now);
    }
    const text = batch.map(({ text }) => text).join();
    this.#parts.send(batch.length === 1 ? text : `[${text}]`, batch.map(({ frame }) => frame));
  }
}

const encoder = new TextEncoder();

function offline(): RoomError {
  return new RoomError("offline", "There is no connection.");
}

function mayTryAgain(request: Request, { code, retry_after_ms }: ErrorFrame): boolean {
  return request.again && retry_after_ms !== undefined &&
    (code !== "internal" || ++request.faults < MAX_FAULTS);
}
