import type { Clock } from "./clock.ts";
import { RoomError } from "./errors.ts";
import type {
  AckFrame,
  AuthenticatedFrame,
  ClientFrame,
  ErrorFrame,
  HistoryPageFrame,
  WelcomeFrame,
} from "./frames.ts";
import { Pace } from "./pace.ts";

/** A frame that has an answer. */
export type RequestFrame = Exclude<ClientFrame, { type: "ping" }>;
/** What answers one. */
export type Answer = AckFrame | HistoryPageFrame | AuthenticatedFrame;

/** How a frame is sent. */
export interface RequestOptions {
  /** Whether it is sent again on the next connection, and after an error that may pass. Else it is rejected, with `offline`. */
  readonly again: boolean;
  /** When it was first sent, in an earlier page load; null: it was not. */
  readonly sentAt?: number | null;
  /** Called when it is sent for the first time. */
  readonly onFirstSent?: (now: number) => void;
}

interface Request extends RequestOptions {
  readonly order: number;
  readonly frame: RequestFrame;
  readonly text: string;
  firstSentAt: number | null;
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
  /** To be sent, in order. */
  #queue: Request[] = [];
  /** Sent on this connection. */
  readonly #sent = new Map<string, Request>();
  #order = 0;
  #isConnected = false;
  /** While frames may be sent. */
  #connection: { readonly pace: Pace; readonly maxBytes: number } | null = null;
  #notBefore = 0;
  #isScheduled = false;
  #cancelTimer: (() => void) | null = null;

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  /**
   * Sends a frame, now or when there is a connection, and resolves with its answer.
   * @throws {RoomError} the server's code; `offline`, `outcome_unknown`; what `rejectAll` was given
   * @throws {TypeError} when it cannot be JSON
   */
  ask(frame: RequestFrame, options: RequestOptions): Promise<Answer> {
    const text = JSON.stringify(frame);
    if (!options.again && !this.#isConnected) return Promise.reject(offline());
    return new Promise((resolve, reject) => {
      const order = this.#order++;
      const firstSentAt = options.sentAt ?? null;
      this.#queue.push({ ...options, order, frame, text, firstSentAt, faults: 0, resolve, reject });
      this.#schedule();
    });
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
    const isUnknown = ({ firstSentAt }: Request) =>
      !isLossless && firstSentAt !== null && firstSentAt <= recognizedFrom;
    this.#rejectWhere(isUnknown, () =>
      new RoomError(
        "outcome_unknown",
        "The message was sent and not acked, and whether it was stored cannot be found out any more.",
      ));
    this.#connection = { pace: new Pace(frames_per_second, frames_burst, now), maxBytes: max_frame_bytes };
    this.#notBefore = 0;
    this.#schedule();
  }

  /** The connection is gone: what was sent and not answered waits for the next one. */
  end(): void {
    this.#isConnected = false;
    this.#connection = null;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#requeue([...this.#sent.values()]);
    this.#sent.clear();
    this.#rejectWhere(({ again }) => !again, offline);
  }

  /** Takes an answer. Returns false when nobody waits for it. */
  answer(frame: Answer | ErrorFrame): boolean {
    const { id } = frame;
    const request = id === undefined ? undefined : this.#sent.get(id);
    if (!request || id === undefined) return false;
    this.#sent.delete(id);
    if (frame.type !== "error") request.resolve(frame);
    else if (!this.#mayTryAgain(request, frame)) {
      const { code, message, field, retry_after_ms } = frame;
      request.reject(new RoomError(code, message, { field, retryAfterMs: retry_after_ms }));
    } else {
      this.#notBefore = this.#parts.clock.now() + (frame.retry_after_ms ?? 0);
      this.#requeue([request]);
      this.#schedule();
    }
    return true;
  }

  /** A message of this user came: if it is one whose ack is waited for, it is stored. */
  delivered(id: string, offset: number): void {
    const isIt = ({ frame }: Request) => frame.id === id && frame.type === "publish" && !frame.ephemeral;
    const sent = this.#sent.get(id);
    const request = sent ?? this.#queue.find(isIt);
    if (!request || !isIt(request)) return;
    this.#sent.delete(id);
    this.#queue = this.#queue.filter((other) => other !== request);
    request.resolve({ type: "ack", id, offset });
  }

  /** Gives up everything that waits. */
  rejectAll(error: RoomError): void {
    this.#rejectWhere(() => true, () => error);
  }

  #mayTryAgain(request: Request, { code, retry_after_ms }: ErrorFrame): boolean {
    if (!request.again || retry_after_ms === undefined) return false;
    return code !== "internal" || ++request.faults < MAX_FAULTS;
  }

  #rejectWhere(isMeant: (request: Request) => boolean, error: () => RoomError): void {
    const meant = [...this.#sent.values(), ...this.#queue].filter(isMeant);
    for (const request of meant) this.#sent.delete(request.frame.id);
    this.#queue = this.#queue.filter((request) => !isMeant(request));
    for (const request of meant) request.reject(error());
  }

  #requeue(requests: readonly Request[]): void {
    if (requests.length === 0) return;
    this.#queue = [...this.#queue, ...requests].sort((one, other) => one.order - other.order);
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#connection || this.#queue.length === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    while (this.#connection && this.#queue.length > 0) {
      const { pace, maxBytes } = this.#connection;
      const now = this.#parts.clock.now();
      const available = pace.available(now);
      const waitMs = Math.max(this.#notBefore - now, available > 0 ? 0 : pace.waitMs());
      if (waitMs > 0) {
        this.#cancelTimer = this.#parts.clock.setTimer(() => this.#flush(), waitMs);
        return;
      }
      const batch = this.#takeBatch(Math.min(MAX_BATCH, available), maxBytes);
      pace.take(batch.length);
      if (batch.length > 0) this.#send(batch, now);
    }
  }

  /** The next requests that fit into one WebSocket message. One that never fits is rejected. */
  #takeBatch(maxFrames: number, maxBytes: number): Request[] {
    const batch: Request[] = [];
    // The brackets.
    let bytes = 2;
    while (batch.length < maxFrames) {
      const [request] = this.#queue;
      if (!request) break;
      const size = byteLength(request.text);
      if (size > maxBytes) {
        this.#queue.shift();
        const text = `The frame has ${size} bytes; the server takes ${maxBytes}.`;
        request.reject(new RoomError("too_large", text, { field: "data" }));
        continue;
      }
      // With the comma.
      bytes += size + 1;
      if (batch.length > 0 && bytes > maxBytes) break;
      this.#queue.shift();
      batch.push(request);
    }
    return batch;
  }

  #send(batch: readonly Request[], now: number): void {
    for (const request of batch) {
      this.#sent.set(request.frame.id, request);
      if (request.firstSentAt !== null) continue;
      request.firstSentAt = now;
      request.onFirstSent?.(now);
    }
    const texts = batch.map(({ text }) => text);
    this.#parts.send(
      texts.length === 1 ? texts.join() : `[${texts.join()}]`,
      batch.map(({ frame }) => frame),
    );
  }
}

const encoder = new TextEncoder();
/** Bytes of a text as UTF-8. */
function byteLength(text: string): number {
  return encoder.encode(text).length;
}

function offline(): RoomError {
  return new RoomError("offline", "There is no connection, and this is not sent later.");
}
