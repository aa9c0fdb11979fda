import type { ErrorFrame } from "../protocol/error_codes.ts";
import type { AckFrame, AuthenticatedFrame, ClientFrame, HistoryPageFrame } from "../protocol/frames.ts";
import { MAX_FRAMES_PER_MESSAGE, type RoomLimits } from "../protocol/limits.ts";
import type { Clock } from "./clock.ts";
import { errorOf, RoomError } from "./errors.ts";
import { Throttle } from "./throttle.ts";

/** A frame that the server answers. */
export type RequestFrame = Exclude<ClientFrame, { type: "ping" }>;
/** Answer to each type of frame. */
export interface AnswerTo {
  readonly publish: AckFrame;
  readonly presence: AckFrame;
  readonly history: HistoryPageFrame;
  readonly auth: AuthenticatedFrame;
}
/** Any answer. */
export type Answer = AnswerTo[keyof AnswerTo];

/** Options of a request. */
export interface RequestOptions {
  /** True: retried after reconnects and temporary errors. False: rejected with `offline`. */
  readonly again: boolean;
  /** Time of the first send in an earlier page load, in milliseconds since 1970; null before it. */
  readonly sentAt?: number | null;
  /** Called on the first send, with its time in milliseconds since 1970. */
  readonly onFirstSent?: (sentAt: number) => void;
}

interface Request extends RequestOptions {
  readonly frame: RequestFrame;
  readonly text: string;
  sentAt: number | null;
  /** True if it was sent on this connection. */
  isSent: boolean;
  faults: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: RoomError) => void;
}

/** Dependencies of the requests. */
export interface RequestDeps {
  readonly clock: Clock;
  /** Sends one WebSocket message, given with its frames. */
  readonly send: (text: string, frames: readonly ClientFrame[]) => void;
}

/** Most sends of a frame that fails on the server's side (`internal`). */
const MAX_FAULTS = 5;

/**
 * Frames that wait for their answers, in order. Requests of one tick share a WebSocket message,
 * within the server's rate. The next connection repeats them under the same id.
 */
export class Requests {
  readonly #deps: RequestDeps;
  /** Waiting requests by id, in order. */
  readonly #requests = new Map<string, Request>();
  #isConnected = false;
  /** Not null while frames may be sent. */
  #connection: { readonly throttle: Throttle; readonly maxBytes: number } | null = null;
  #notBefore = 0;
  #closedBy: RoomError | null = null;
  #isScheduled = false;
  #cancelTimer = () => {};

  constructor(deps: RequestDeps) {
    this.#deps = deps;
  }

  /** A reason rejects all requests, later ones included; null accepts requests again. */
  set closedBy(reason: RoomError | null) {
    this.#closedBy = reason;
    if (reason) this.rejectAll(reason);
  }

  get closedBy(): RoomError | null {
    return this.#closedBy;
  }

  /** True if a request is sent at once. */
  get isOpen(): boolean {
    return this.#connection !== null;
  }

  /**
   * Sends a frame, now or on the next connection, and resolves with its answer.
   * @throws {RoomError} the server's code; `offline`, `outcome_unknown`; the reason of `rejectAll`
   * @throws {TypeError} if it cannot be JSON
   */
  ask<Frame extends RequestFrame>(frame: Frame, options: RequestOptions): Promise<AnswerTo[Frame["type"]]> {
    const text = JSON.stringify(frame);
    return new Promise<Answer>((resolve, reject) => {
      if (this.#closedBy) return reject(this.#closedBy);
      if (!options.again && !this.#isConnected) return reject(offline());
      const request = { sentAt: null, ...options, frame, text, isSent: false, faults: 0, resolve, reject };
      this.#requests.set(frame.id, request);
      this.#schedule();
      // The server answers each type of frame with its own type.
    }) as Promise<AnswerTo[Frame["type"]]>;
  }

  /** Accepts requests on a new connection; they wait for `begin`. */
  connected(): void {
    this.#isConnected = true;
  }

  /**
   * Starts sending. `isLossless` is true if the replay was complete. Otherwise requests that are
   * older than the server's dedupe window may be stored already, and are rejected with
   * `outcome_unknown`.
   */
  begin({ limits }: { readonly limits: Partial<RoomLimits> }, isLossless: boolean): void {
    const { clock } = this.#deps;
    const { frames_per_second = 10, frames_burst = 10, max_frame_bytes = 65_536, dedupe_seconds = 0 } =
      limits;
    // The wall clock, since sleep counts. A step looks like sleep, which is safe.
    const wallNow = clock.wallNow();
    for (const request of this.#requests.values()) {
      const { sentAt } = request;
      if (isLossless || sentAt === null || Math.abs(wallNow - sentAt) < dedupe_seconds * 1000) continue;
      const text = "The message may be stored: check the history.";
      this.#reject(request, new RoomError("outcome_unknown", text));
    }
    this.#connection = {
      throttle: new Throttle(frames_per_second, frames_burst, clock.now()),
      maxBytes: max_frame_bytes,
    };
    this.#notBefore = 0;
    this.#schedule();
  }

  /** Ends the connection: unanswered requests wait for the next one. */
  end(): void {
    this.#isConnected = false;
    this.#connection = null;
    this.#cancelTimer();
    for (const request of this.#requests.values()) {
      request.isSent = false;
      if (!request.again) this.#reject(request, offline());
    }
  }

  /** Handles an answer. Returns false if no request waits for it. */
  answer(frame: Answer | ErrorFrame): boolean {
    const request = this.#requests.get(frame.id ?? "");
    if (!request) return false;
    if (frame.type !== "error") {
      this.#requests.delete(request.frame.id);
      request.resolve(frame);
    } else if (mayTryAgain(request, frame)) {
      request.isSent = false;
      this.#notBefore = this.#deps.clock.now() + (frame.retry_after_ms ?? 0);
      this.#schedule();
    } else this.#reject(request, errorOf(frame));
    return true;
  }

  /** Confirms a waiting publish after its message arrived. */
  delivered(id: string, offset: number): void {
    const frame = this.#requests.get(id)?.frame;
    if (frame?.type === "publish" && !frame.ephemeral) this.answer({ type: "ack", id, offset });
  }

  /** Rejects all waiting requests. */
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
      this.flush();
    });
  }

  /**
   * Sends the requests that the limits allow, in few WebSocket messages, and schedules the rest.
   */
  flush(): void {
    this.#cancelTimer();
    if (!this.#connection) return;
    const { clock } = this.#deps;
    const { throttle, maxBytes } = this.#connection;
    const now = clock.now();
    let batch: Request[] = [];
    let bytes = 0;
    for (const request of this.#requests.values()) {
      if (request.isSent) continue;
      const waitMs = Math.max(this.#notBefore - now, throttle.waitMs(now));
      if (waitMs > 0) {
        this.#cancelTimer = clock.setTimer(() => this.flush(), waitMs);
        break;
      }
      const size = encoder.encode(request.text).length;
      if (size > maxBytes) {
        const text = `data: ${size} bytes, the limit is ${maxBytes}.`;
        this.#reject(request, new RoomError("too_large", text, { field: "data" }));
        continue;
      }
      // Two brackets, and a comma after each frame but the last.
      if (bytes + size + 2 > maxBytes || batch.length === MAX_FRAMES_PER_MESSAGE) {
        this.#send(batch);
        batch = [];
        bytes = 0;
      }
      bytes += size + 1;
      batch.push(request);
      throttle.take();
    }
    this.#send(batch);
  }

  #send(batch: readonly Request[]): void {
    if (!batch[0]) return;
    const sentAt = this.#deps.clock.wallNow();
    for (const request of batch) {
      request.isSent = true;
      if (request.sentAt !== null) continue;
      request.sentAt = sentAt;
      request.onFirstSent?.(sentAt);
    }
    const text = batch.map(({ text }) => text).join();
    this.#deps.send(batch.length === 1 ? text : `[${text}]`, batch.map(({ frame }) => frame));
  }
}

const encoder = new TextEncoder();

function offline(): RoomError {
  return new RoomError("offline", "There is no connection: wait for live().");
}

function mayTryAgain(request: Request, { code, retry_after_ms }: ErrorFrame): boolean {
  return request.again && retry_after_ms !== undefined &&
    (code !== "internal" || ++request.faults < MAX_FAULTS);
}
