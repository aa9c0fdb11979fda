import type { SocketLimits } from "./socket.ts";

/**
 * Bytes sent between two reads of `bufferedAmount`. A read is a call into the runtime and costs a
 * tenth of a send. The limits can be exceeded by this much.
 */
const CHECK_EVERY_BYTES = 16_384;
/** Interval at which `drained` checks a slow socket. */
const POLL_MS = 20;
/** Time after which `drained` gives up. */
const DRAIN_TIMEOUT_MS = 30_000;

/** Bytes that are buffered for one peer, compared with the limits. */
export class Backlog {
  readonly #raw: Pick<WebSocket, "bufferedAmount">;
  readonly #limits: SocketLimits;
  readonly #checkEvery: number;
  #uncheckedBytes = 0;
  #isSlow = false;

  constructor(raw: Pick<WebSocket, "bufferedAmount">, limits: SocketLimits) {
    this.#raw = raw;
    this.#limits = limits;
    this.#checkEvery = Math.min(CHECK_EVERY_BYTES, limits.slowBufferedBytes);
  }

  /** True if more than `slowBufferedBytes` were buffered at the last check. */
  get isSlow(): boolean {
    if (this.#isSlow) this.#check();
    return this.#isSlow;
  }

  /**
   * Counts data that is about to be sent. Returns false above `maxBufferedBytes`: close the peer.
   */
  accepts(data: string | ArrayBuffer | Uint8Array): boolean {
    // UTF-16 units approximate bytes here: only the runtime's own figure is compared with the
    // limits.
    this.#uncheckedBytes += typeof data === "string" ? data.length : data.byteLength;
    if (this.#uncheckedBytes < this.#checkEvery && !this.#isSlow) return true;
    return this.#check() <= this.#limits.maxBufferedBytes;
  }

  /** Waits until the peer has caught up or `isNeeded` returns false. Returns false after 30 s. */
  async drained(isNeeded: () => boolean): Promise<boolean> {
    for (let waitedMs = 0; isNeeded() && this.isSlow; waitedMs += POLL_MS) {
      if (waitedMs >= DRAIN_TIMEOUT_MS) return false;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return true;
  }

  #check(): number {
    const bufferedBytes = this.#raw.bufferedAmount;
    this.#uncheckedBytes = 0;
    this.#isSlow = bufferedBytes > this.#limits.slowBufferedBytes;
    return bufferedBytes;
  }
}
