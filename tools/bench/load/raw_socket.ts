import { encodeClientFrame, Opcode, readFrames } from "./frames.ts";
import { send } from "./libc.ts";
import type { SocketLoop, Stream } from "./socket_loop.ts";

/** Told of every text or binary message: `bytes` from `start` to before `end`, only valid during the call. */
export type OnMessage = (bytes: Uint8Array, start: number, end: number) => void;

/** How a socket is opened. */
export interface RawSocketOptions {
  readonly url: URL;
  /** The subprotocol to offer; the server has to select it. */
  readonly protocol?: string | undefined;
  /** Called at the 101. */
  readonly onOpen: () => void;
  readonly onMessage: OnMessage;
}

/**
 * A WebSocket client that costs so little that the measured server is what a core is busy with.
 *
 * Answers pings. Does not check the server's accept key. Throws, and so ends the running job, when the server refuses,
 * closes on its own, or sends what it may not.
 */
export class RawSocket implements Stream {
  onMessage: OnMessage;
  readonly #options: RawSocketOptions;
  readonly #descriptor: number;
  #state: "connecting" | "open" | "closing" | "closed" = "connecting";

  constructor(loop: SocketLoop, options: RawSocketOptions) {
    this.#options = options;
    this.onMessage = options.onMessage;
    this.#descriptor = loop.connect(Number(options.url.port), this);
    this.send(new TextEncoder().encode(upgradeRequest(options)));
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Sends an already encoded client frame. */
  send(frame: Uint8Array<ArrayBuffer>): void {
    if (!send(this.#descriptor, frame)) throw new Error("the server does not read");
  }

  /** Sends a close frame; `isClosed` when the server has ended the connection. */
  close(): void {
    this.send(encodeClientFrame(Opcode.close, new Uint8Array([0x03, 0xe8])));
    this.#state = "closing";
  }

  receive(bytes: Uint8Array, filled: number): number {
    let offset = 0;
    if (this.#state === "connecting") {
      offset = endOfHandshake(bytes.subarray(0, filled), this.#options.protocol);
      if (offset === 0) return 0;
      this.#state = "open";
      this.#options.onOpen();
    }
    return readFrames(bytes, offset, filled, this.#onFrame);
  }

  end(): void {
    if (this.#state !== "closing") throw new Error(`the server ended a connection that was ${this.#state}`);
    this.#state = "closed";
  }

  readonly #onFrame = (opcode: number, bytes: Uint8Array, start: number, end: number): void => {
    if (opcode === Opcode.text || opcode === Opcode.binary) this.onMessage(bytes, start, end);
    else if (opcode === Opcode.ping) this.send(encodeClientFrame(Opcode.pong, bytes.slice(start, end)));
    else if (opcode === Opcode.close && this.#state === "open") {
      const code = (bytes[start] ?? 0) << 8 | (bytes[start + 1] ?? 0);
      const reason = new TextDecoder().decode(bytes.subarray(start + 2, end));
      throw new Error(`the server closed with ${code} ${reason}`);
    }
  };
}

function upgradeRequest({ url, protocol }: RawSocketOptions): string {
  const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
  return `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n` +
    `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\n` +
    `Sec-WebSocket-Version: 13\r\n` +
    (protocol === undefined ? "" : `Sec-WebSocket-Protocol: ${protocol}\r\n`) + "\r\n";
}

/** Where the 101's headers end; 0 when they are not whole yet. */
function endOfHandshake(bytes: Uint8Array, protocol: string | undefined): number {
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return 0;
  if (!text.startsWith("HTTP/1.1 101")) throw new Error(`no upgrade: ${text.slice(0, 600)}`);
  const selected = /^sec-websocket-protocol: *(\S+)\r$/im.exec(text.slice(0, end + 2))?.[1];
  if (selected !== protocol) throw new Error(`subprotocol ${selected} instead of ${protocol}`);
  return end + 4;
}
