/// <reference lib="dom" />
import type { WebSocketLike } from "../../client/mod.ts";

/** The real connection is closed with it: for the server that is no leaving, so a lost member stays present for a while. */
const LOST = 4000;

/** A WebSocket whose network can be taken away. */
export class BreakableSocket implements WebSocketLike {
  readonly #events = new EventTarget();
  /** Aborted when the network is gone: from then on nothing passes in either direction. */
  readonly #lost = new AbortController();
  readonly #socket: WebSocket | undefined;

  /** Connects, or, without a network, fails as a browser's does: soon. */
  constructor(url: string, protocols: string[], hasNetwork: boolean) {
    if (!hasNetwork) {
      queueMicrotask(() => this.cut());
      return;
    }
    const { signal } = this.#lost;
    const socket = new WebSocket(url, protocols);
    const pass = (event: Event) => void this.#events.dispatchEvent(event);
    socket.addEventListener("open", () => pass(new Event("open")), { signal });
    socket.addEventListener("message", ({ data }) => pass(new MessageEvent("message", { data })), { signal });
    socket.addEventListener("error", () => pass(new Event("error")), { signal });
    socket.addEventListener("close", (event) => pass(new CloseEvent("close", event)), { signal });
    this.#socket = socket;
  }

  /** Ends the connection as a network does: without a goodbye, and what was on its way does not arrive. */
  cut(): void {
    if (this.#lost.signal.aborted) return;
    this.#lost.abort();
    this.#socket?.close(LOST, "cut");
    this.#events.dispatchEvent(new Event("error"));
    this.#events.dispatchEvent(new CloseEvent("close", { code: 1006 }));
  }

  /** Sends; without a network it goes nowhere, and nobody is told. */
  send(data: string): void {
    if (!this.#lost.signal.aborted) this.#socket?.send(data);
  }

  /** Closes in the ordinary way. */
  close(code?: number, reason?: string): void {
    if (!this.#lost.signal.aborted) this.#socket?.close(code, reason);
  }

  /** As a WebSocket's. */
  addEventListener(type: "open" | "message" | "error" | "close", listener: (event: never) => void): void {
    this.#events.addEventListener(type, listener as (event: Event) => void);
  }
}
