import {
  findHeadEnd,
  formatHead,
  headerOf,
  parseHttpResponse,
  textOfBytes,
} from "../../support/wire/http_head.ts";
import { encodeClientFrame, FINAL, type OnFrame, readFrames } from "../../support/wire/websocket_frames.ts";
import { OPCODE } from "../../support/wire/wire_frame.ts";
import { send } from "./libc.ts";
import type { SocketLoop, Stream } from "./socket_loop.ts";

/**
 * First bytes of unfragmented frames. Constants of this module, because V8 reads imported ones more
 * slowly, and the comparison runs for every frame.
 */
const TEXT = FINAL | OPCODE.text;
const BINARY = FINAL | OPCODE.binary;
const CLOSE = FINAL | OPCODE.close;
const PING = FINAL | OPCODE.ping;
const PONG = FINAL | OPCODE.pong;

/**
 * Receives a text or binary message: `bytes` from `start` to before `end`, only valid during the
 * call.
 */
export type OnMessage = (bytes: Uint8Array, start: number, end: number) => void;

/** Options of a socket. */
interface RawSocketOptions {
  readonly url: URL;
  /** Subprotocol to offer; the server has to select it. */
  readonly protocol?: string | undefined;
  /** Called at the 101. */
  readonly onOpen: () => void;
  readonly onMessage: OnMessage;
}

/**
 * A WebSocket client that costs so little that the measured server keeps a core busy.
 *
 * Answers pings, and does not check the server's accept key. Throws, which ends the running job,
 * if the server refuses, closes on its own, or breaks the protocol.
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
    this.send(new TextEncoder().encode(formatUpgradeRequest(options)));
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Sends an encoded client frame. */
  send(frame: Uint8Array<ArrayBuffer>): void {
    if (!send(this.#descriptor, frame)) throw new Error("the server does not read");
  }

  /** Sends a close frame; `isClosed` is true once the server has ended the connection. */
  close(): void {
    this.send(encodeClientFrame(OPCODE.close, new Uint8Array([0x03, 0xe8])));
    this.#state = "closing";
  }

  receive(bytes: Uint8Array, filled: number): number {
    let offset = 0;
    if (this.#state === "connecting") {
      offset = findHeadEnd(bytes.subarray(0, filled));
      if (offset < 0) return 0;
      checkUpgrade(textOfBytes(bytes.subarray(0, offset - 4)), this.#options.protocol);
      this.#state = "open";
      this.#options.onOpen();
    }
    return readFrames(bytes, offset, filled, this.#onFrame);
  }

  end(): void {
    if (this.#state !== "closing") throw new Error(`the server ended a connection that was ${this.#state}`);
    this.#state = "closed";
  }

  readonly #onFrame: OnFrame = (first, bytes, start, end) => {
    if (first === TEXT || first === BINARY) this.onMessage(bytes, start, end);
    else if (first === PING) this.send(encodeClientFrame(OPCODE.pong, bytes.subarray(start, end)));
    else if (first === CLOSE) this.#onClose(bytes, start, end);
    else if (first !== PONG) {
      throw new Error(`the server sent a fragment or an unknown frame, first byte 0x${first.toString(16)}`);
    }
  };

  #onClose(bytes: Uint8Array, start: number, end: number): void {
    if (this.#state !== "open") return;
    const code = (bytes[start] ?? 0) << 8 | (bytes[start + 1] ?? 0);
    const reason = new TextDecoder().decode(bytes.subarray(start + 2, end));
    throw new Error(`the server closed with ${code} ${reason}`);
  }
}

function formatUpgradeRequest({ url, protocol }: RawSocketOptions): string {
  const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
  return formatHead(`GET ${url.pathname}${url.search} HTTP/1.1`, [
    ["Host", url.host],
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Key", key],
    ["Sec-WebSocket-Version", "13"],
    ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
  ]);
}

function checkUpgrade(head: string, protocol: string | undefined): void {
  const response = parseHttpResponse(head);
  if (response?.status !== 101) throw new Error(`no upgrade: ${head.slice(0, 600)}`);
  const selected = headerOf(response.headers, "sec-websocket-protocol");
  if (selected !== protocol) throw new Error(`subprotocol ${selected} instead of ${protocol}`);
}
