import { join } from "../outbound/joined_text.ts";
import type { FlushScheduler, TickListener } from "../outbound/flush_scheduler.ts";

/** Characters above which frames are sent at once, so that joined messages stay small. */
const MAX_PENDING_LENGTH = 65_536;

/** Sends frames to the client of one socket. */
export interface FrameQueueOptions {
  /** True if the client takes several frames in one WebSocket message. */
  readonly joinsFrames: boolean;
  readonly send: (text: string) => void;
  readonly scheduler: FlushScheduler;
}

/** Joins the frames that all rooms of one socket send in one tick into one WebSocket message. */
export class FrameQueue implements TickListener {
  readonly #options: FrameQueueOptions;
  /** Texts of one frame, or of a JSON array of several. */
  #pending: string[] = [];
  #length = 0;

  constructor(options: FrameQueueOptions) {
    this.#options = options;
  }

  /** Adds a frame, or a JSON array of several. */
  push(text: string): void {
    const { joinsFrames, send, scheduler } = this.#options;
    if (!joinsFrames) return send(text);
    if (this.#length + text.length > MAX_PENDING_LENGTH) this.flush();
    this.#pending.push(text);
    this.#length += text.length;
    if (this.#length > MAX_PENDING_LENGTH) this.flush();
    else scheduler.schedule(this);
  }

  /** Sends what is pending. */
  flush(): void {
    const [first] = this.#pending;
    if (first === undefined) return;
    const text = this.#pending.length === 1 ? first : join(this.#pending.map(withoutBrackets));
    this.#pending = [];
    this.#length = 0;
    this.#options.send(text);
  }

  tickSettled(): void {
    this.flush();
  }
}

function withoutBrackets(text: string): string {
  return text.startsWith("[") ? text.slice(1, -1) : text;
}
