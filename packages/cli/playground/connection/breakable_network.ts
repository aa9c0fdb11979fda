/// <reference lib="dom" />
import type { WebSocketClass } from "../../../client/mod.ts";
import { BreakableSocket } from "./breakable_socket.ts";

/** Network with a switch; a room takes its `WebSocket` and `fetch`. */
export class BreakableNetwork {
  readonly #sockets = new Set<BreakableSocket>();
  #isOn = true;

  /** Class of the sockets on this network. */
  readonly WebSocket: WebSocketClass;

  /** Like the global `fetch`, but fails while the network is off. */
  readonly fetch: typeof fetch = (input, init) =>
    this.#isOn ? fetch(input, init) : Promise.reject(new TypeError("The network is switched off."));

  constructor() {
    const isOn = () => this.#isOn;
    const sockets = this.#sockets;
    this.WebSocket = class extends BreakableSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, isOn());
        sockets.add(this);
        this.addEventListener("close", () => void sockets.delete(this));
      }
    };
  }

  /** True unless the network is switched off. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Switches the network, and dispatches `online` or `offline` to the page, as a browser does. */
  switchTo(isOn: boolean): void {
    this.#isOn = isOn;
    if (!isOn) this.cut();
    globalThis.dispatchEvent(new Event(isOn ? "online" : "offline"));
  }

  /** Breaks every connection; new ones can open at once. */
  cut(): void {
    for (const socket of [...this.#sockets]) socket.cut();
  }
}
