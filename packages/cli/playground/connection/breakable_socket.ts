/// <reference lib="dom" />
import type { WebSocketLike } from "../../../client/mod.ts";

/**
 * Close code of the real connection. Not a normal close, so the disconnect grace period applies.
 */
const LOST = 4000;

/** WebSocket whose connection can be cut. */
export class BreakableSocket implements WebSocketLike {
  readonly #events = new EventTarget();
  /** Aborted by `cut`. From then on no frame passes in either direction. */
  readonly #lost = new AbortController();
  readonly #socket: WebSocket | undefined;

  /** Connects. Without a network it fails asynchronously, as in a browser. */
  constructor(url: string, protocols: string[], hasNetwork: boolean) {
    if (!hasNetwork) {
      queueMicrotask(() => this.cut());
      return;
    }
    const { signal } = this.#lost;
    const socket = new WebSocket(url, protocols);
    const forward = (event: Event) => void this.#events.dispatchEvent(event);
    socket.addEventListener("open", () => forward(new Event("open")), { signal });
    socket.addEventListener("message", ({ data }) => forward(new MessageEvent("message", { data })), {
      signal,
    });
    socket.addEventListener("error", () => forward(new Event("error")), { signal });
    socket.addEventListener("close", (event) => forward(new CloseEvent("close", event)), { signal });
    this.#socket = socket;
  }

  /**
   * Breaks the connection as a lost network does: no close frame, and frames in flight are lost.
   */
  cut(): void {
    if (this.#lost.signal.aborted) return;
    this.#lost.abort();
    this.#socket?.close(LOST, "cut");
    this.#events.dispatchEvent(new Event("error"));
    this.#events.dispatchEvent(new CloseEvent("close", { code: 1006 }));
  }

  /** Sends; without a network the data is lost without an error. */
  send(data: string): void {
    if (!this.#lost.signal.aborted) this.#socket?.send(data);
  }

  /** Closes with a handshake. */
  close(code?: number, reason?: string): void {
    if (!this.#lost.signal.aborted) this.#socket?.close(code, reason);
  }

  /** Same as `WebSocket.addEventListener`. */
  addEventListener(type: "open" | "message" | "error" | "close", listener: (event: never) => void): void {
    this.#events.addEventListener(type, listener as (event: Event) => void);
  }
}
