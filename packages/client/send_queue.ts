import { MAX_FRAMES_PER_MESSAGE, type RoomLimits } from "../protocol/limits.ts";
import type { Clock } from "./clock.ts";
import { RoomError } from "./errors.ts";
import { Throttle } from "./throttle.ts";

/** A frame that waits to be sent. */
export interface QueuedFrame {
  /** The frame as JSON. */
  readonly text: string;
  isSent: boolean;
  /** Called right after the send. */
  onSent(): void;
  /** Called instead if the frame is too large. */
  refuse(error: RoomError): void;
}

/** Frames of one room that wait to be sent. */
export interface FrameSource {
  /** Time before which none of them is sent. */
  readonly notBefore: number;
  /** Returns the first frame that is not sent. */
  next(): QueuedFrame | undefined;
}

/** Dependencies of a send queue. */
export interface SendQueueDeps {
  readonly clock: Clock;
  /** Sends one WebSocket message. */
  readonly send: (text: string) => void;
}

/**
 * Sends the frames of a socket's rooms within the server's rate. Frames of one tick share a
 * WebSocket message. The rooms take turns, so that none waits for another's many frames.
 */
export class SendQueue {
  readonly #deps: SendQueueDeps;
  /** Sources in turn: the one that sent a frame last stands last. */
  readonly #sources = new Set<FrameSource>();
  #throttle = new Throttle();
  #maxBytes = 0;
  #isScheduled = false;
  #cancelTimer = () => {};

  constructor(deps: SendQueueDeps) {
    this.#deps = deps;
  }

  /** Sends the frames of a source from now on, within the limits that its `welcome` named. */
  add(source: FrameSource, limits: Partial<RoomLimits>): void {
    const { frames_per_second = 10, frames_burst = 10, max_frame_bytes = 65_536 } = limits;
    this.#throttle.limit(frames_per_second, frames_burst, this.#deps.clock.now());
    this.#maxBytes = max_frame_bytes;
    this.#sources.add(source);
    this.schedule();
  }

  /** Removes a source. The last one ends the connection, and the next one starts with a burst. */
  remove(source: FrameSource): void {
    this.#sources.delete(source);
    if (this.#sources.size > 0) return;
    this.#throttle = new Throttle();
    this.#cancelTimer();
  }

  /** Sends at the end of this tick. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  /** Sends what the limits allow, in few WebSocket messages, and schedules the rest. */
  flush(): void {
    this.#cancelTimer();
    const { clock } = this.#deps;
    const now = clock.now();
    let nextMs = Infinity;
    let batch: QueuedFrame[] = [];
    let bytes = 0;
    for (const source of this.#sources) {
      const frame = source.next();
      if (!frame) continue;
      const waitMs = Math.max(source.notBefore - now, this.#throttle.waitMs(now));
      if (waitMs > 0) {
        nextMs = Math.min(nextMs, waitMs);
        continue;
      }
      // Moves to the end, where this loop comes to it again.
      this.#sources.delete(source);
      this.#sources.add(source);
      const size = encoder.encode(frame.text).length;
      if (size > this.#maxBytes) {
        const text = `data: ${size} bytes, the limit is ${this.#maxBytes}.`;
        frame.refuse(new RoomError("too_large", text, { field: "data" }));
        continue;
      }
      // Two brackets, and a comma after each frame but the last.
      if (bytes + size + 2 > this.#maxBytes || batch.length === MAX_FRAMES_PER_MESSAGE) {
        this.#send(batch);
        batch = [];
        bytes = 0;
      }
      bytes += size + 1;
      batch.push(frame);
      frame.isSent = true;
      this.#throttle.take();
    }
    if (nextMs < Infinity) this.#cancelTimer = clock.setTimer(() => this.flush(), nextMs);
    this.#send(batch);
  }

  #send(batch: readonly QueuedFrame[]): void {
    if (!batch[0]) return;
    const text = batch.map(({ text }) => text).join();
    this.#deps.send(batch.length === 1 ? text : `[${text}]`);
    for (const frame of batch) frame.onSent();
  }
}

const encoder = new TextEncoder();
