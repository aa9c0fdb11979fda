import type { ErrorFrame } from "../protocol/error_codes.ts";
import type {
  AckFrame,
  AuthenticatedFrame,
  ClientFrame,
  HistoryPageFrame,
  JoinFrame,
  LeaveFrame,
  ResultFrame,
} from "../protocol/frames.ts";
import type { RoomLimits } from "../protocol/limits.ts";
import type { Clock } from "./clock.ts";
import { errorOf, RoomError } from "./errors.ts";
import type { FrameSource, QueuedFrame, SendQueue } from "./send_queue.ts";

/** A frame that the server answers. */
export type RequestFrame = Exclude<ClientFrame, { type: "ping" }> | JoinFrame | LeaveFrame;
/** Answer to each type of frame. */
export interface AnswerTo {
  readonly publish: AckFrame;
  readonly presence: AckFrame;
  readonly history: HistoryPageFrame;
  readonly call: ResultFrame;
  readonly auth: AuthenticatedFrame;
  /** Confirmed by the client itself, after `welcome`. */
  readonly join: AckFrame;
  readonly leave: AckFrame;
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

interface Request extends RequestOptions, QueuedFrame {
  readonly frame: RequestFrame;
  sentAt: number | null;
  faults: number;
  readonly resolve: (answer: Answer) => void;
}

/** Dependencies of the requests. */
export interface RequestDeps {
  readonly clock: Clock;
  readonly queue: SendQueue;
  /** Room to name in every frame. */
  readonly room?: string | undefined;
  /** Called after the send of a frame. */
  readonly onSent?: (frame: RequestFrame) => void;
}

/** Most sends of a frame that fails on the server's side (`internal`). */
const MAX_FAULTS = 5;

/**
 * Frames that wait for their answers, in order. The next connection repeats them under the same id.
 */
export class Requests implements FrameSource {
  readonly #deps: RequestDeps;
  /** Waiting requests by id, in order. */
  readonly #requests = new Map<string, Request>();
  #isConnected = false;
  /** True if a request is sent at once. */
  isOpen = false;
  notBefore = 0;
  #closedBy: RoomError | null = null;

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

  /**
   * Sends a frame, now or on the next connection, and resolves with its answer.
   * @throws {RoomError} the server's code; `offline`, `outcome_unknown`; the reason of `rejectAll`
   * @throws {TypeError} if it cannot be JSON
   */
  ask<Frame extends RequestFrame>(frame: Frame, options: RequestOptions): Promise<AnswerTo[Frame["type"]]> {
    const text = JSON.stringify({ room: this.#deps.room, ...frame });
    return new Promise<Answer>((resolve, reject) => {
      if (this.#closedBy) return reject(this.#closedBy);
      if (!options.again && !this.#isConnected) return reject(offline());
      const request: Request = {
        sentAt: null,
        ...options,
        frame,
        text,
        isSent: false,
        faults: 0,
        resolve,
        refuse: (error) => {
          this.#requests.delete(frame.id);
          reject(error);
        },
        onSent: () => this.#onSent(request),
      };
      this.#requests.set(frame.id, request);
      this.#deps.queue.schedule();
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
    const { clock, queue } = this.#deps;
    const { dedupe_seconds = 0 } = limits;
    // The wall clock, since sleep counts. A step looks like sleep, which is safe.
    const wallNow = clock.wallNow();
    for (const request of this.#requests.values()) {
      const { sentAt } = request;
      if (isLossless || sentAt === null || Math.abs(wallNow - sentAt) < dedupe_seconds * 1000) continue;
      request.refuse(unknown("The message may be stored: check the history."));
    }
    this.isOpen = true;
    this.notBefore = 0;
    queue.add(this, limits);
  }

  /** Ends the connection: unanswered requests wait for the next one. */
  end(): void {
    this.#isConnected = false;
    this.isOpen = false;
    this.#deps.queue.remove(this);
    for (const request of this.#requests.values()) {
      const { frame, isSent } = request;
      request.isSent = false;
      if (request.again) continue;
      const isUnknown = isSent && frame.type === "call";
      request.refuse(isUnknown ? unknown("The call may have run.") : offline());
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
      this.notBefore = this.#deps.clock.now() + (frame.retry_after_ms ?? 0);
      this.#deps.queue.schedule();
    } else request.refuse(errorOf(frame));
    return true;
  }

  /** Confirms a waiting publish after its message arrived. */
  delivered(id: string, offset: number): void {
    const frame = this.#requests.get(id)?.frame;
    if (frame?.type === "publish" && !frame.ephemeral) this.answer({ type: "ack", id, offset });
  }

  /** Rejects all waiting requests. */
  rejectAll(error: RoomError): void {
    for (const request of this.#requests.values()) request.refuse(error);
  }

  next(): Request | undefined {
    for (const request of this.#requests.values()) if (!request.isSent) return request;
    return undefined;
  }

  #onSent(request: Request): void {
    if (request.sentAt === null) {
      request.sentAt = this.#deps.clock.wallNow();
      request.onFirstSent?.(request.sentAt);
    }
    this.#deps.onSent?.(request.frame);
  }
}

function offline(): RoomError {
  return new RoomError("offline", "There is no connection: wait for live().");
}

function unknown(text: string): RoomError {
  return new RoomError("outcome_unknown", text);
}

function mayTryAgain(request: Request, { code, retry_after_ms }: ErrorFrame): boolean {
  return request.again && retry_after_ms !== undefined &&
    (code !== "internal" || ++request.faults < MAX_FAULTS);
}
