import type { SocketLimits } from "./socket.ts";

/**
 * To ask a WebSocket what waits in it is a call into the runtime, a tenth of what sending costs: it is asked once in so many
 * bytes. The marks are passed by that much at most.
 */
const ASK_EVERY_BYTES = 16_384;
/** How often a slow socket is looked at by whoever waits for it. */
const LOOK_AGAIN_MS = 20;
const PATIENCE_MS = 30_000;

/** What waits to be sent to one peer, and whether that is too much. */
export class Backlog {
  readonly #raw: Pick<WebSocket, "bufferedAmount">;
  readonly #limits: SocketLimits;
  readonly #askEvery: number;
  #sinceAsked = 0;
  #isSlow = false;

  constructor(raw: Pick<WebSocket, "bufferedAmount">, limits: SocketLimits) {
    this.#raw = raw;
    this.#limits = limits;
    this.#askEvery = Math.min(ASK_EVERY_BYTES, limits.slowBufferedBytes);
  }

  /** Whether more than `slowBufferedBytes` were waiting when it was last looked at. */
  get isSlow(): boolean {
    if (this.#isSlow) this.#ask();
    return this.#isSlow;
  }

  /** Counts what is about to be sent; false when so much waits already that the peer is to be given up. */
  takes(data: string | ArrayBuffer | Uint8Array): boolean {
    // UTF-16 units stand for bytes here: the runtime's own figure is what the marks are compared with.
    this.#sinceAsked += typeof data === "string" ? data.length : data.byteLength;
    if (this.#sinceAsked < this.#askEvery && !this.#isSlow) return true;
    return this.#ask() <= this.#limits.maxBufferedBytes;
  }

  /** Waits until the peer has caught up or `isWanted` says no; false when it does not within half a minute. */
  async drained(isWanted: () => boolean): Promise<boolean> {
    for (let waitedMs = 0; isWanted() && this.isSlow; waitedMs += LOOK_AGAIN_MS) {
      if (waitedMs >= PATIENCE_MS) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    return true;
  }

  #ask(): number {
    const waiting = this.#raw.bufferedAmount;
    this.#sinceAsked = 0;
    this.#isSlow = waiting > this.#limits.slowBufferedBytes;
    return waiting;
  }
}
