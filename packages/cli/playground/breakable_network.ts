/// <reference lib="dom" />
import type { WebSocketClass } from "../../client/mod.ts";
import { BreakableSocket } from "./breakable_socket.ts";

/** A network with a switch, to be given to a room as its `WebSocket` and `fetch`. */
export class BreakableNetwork {
  readonly #sockets = new Set<BreakableSocket>();
  #isOn = true;

  /** The class of sockets on this network. */
  readonly WebSocket: WebSocketClass;

  /** As the global one, but it fails without a network. */
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

  /** Whether there is a network. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Takes it away or brings it back, and says so to the page, as a browser does. */
  switchTo(isOn: boolean): void {
    this.#isOn = isOn;
    if (!isOn) this.cut();
    globalThis.dispatchEvent(new Event(isOn ? "online" : "offline"));
  }

  /** Loses every connection; new ones can be made at once. */
  cut(): void {
    for (const socket of [...this.#sockets]) socket.cut();
  }
}
