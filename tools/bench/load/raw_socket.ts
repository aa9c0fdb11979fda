import { findHeadEnd, headerOf, parseHttpResponse, textOfBytes } from "../../support/wire/http_head.ts";
import { encodeGet, HANDSHAKE } from "../../support/wire/raw_request.ts";
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
/** Payload of a close frame with the code 1000. */
const NORMAL_CLOSE = new Uint8Array([0x03, 0xe8]);

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
  /**
   * Called once if the server refuses, closes on its own, or breaks the protocol. By default throws,
   * which ends the running job.
   */
  readonly onFailure?: ((reason: string) => void) | undefined;
}

/**
 * A WebSocket client that costs so little that the measured server keeps a core busy. Answers
 * pings, and does not check the server's accept key.
 */
export class RawSocket implements Stream {
  onMessage: OnMessage;
  readonly #options: RawSocketOptions;
  readonly #descriptor: number;
  #state: "connecting" | "open" | "closing" | "closed" = "connecting";
  #hasFailed = false;

  constructor(loop: SocketLoop, options: RawSocketOptions) {
    this.#options = options;
    this.onMessage = options.onMessage;
    this.#descriptor = loop.connect(Number(options.url.port), this);
    this.send(encodeUpgrade(options));
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Sends an encoded client frame; does nothing after a failure. */
  send(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#hasFailed) return;
    if (!send(this.#descriptor, frame)) this.#fail(new Error("the server does not read"));
  }

  /** Sends a close frame; `isClosed` is true once the server has ended the connection. */
  close(): void {
    this.send(encodeClientFrame(OPCODE.close, NORMAL_CLOSE));
    this.#state = "closing";
  }

  receive(bytes: Uint8Array, filled: number): number {
    if (this.#hasFailed) return filled;
    try {
      let offset = 0;
      if (this.#state === "connecting") {
        offset = findHeadEnd(bytes.subarray(0, filled));
        if (offset < 0) return 0;
        checkUpgrade(textOfBytes(bytes.subarray(0, filled)), this.#options.protocol);
        this.#state = "open";
        this.#options.onOpen();
      }
      return readFrames(bytes, offset, filled, this.#onFrame);
    } catch (error) {
      this.#fail(error);
      return filled;
    }
  }

  end(): void {
    const before = this.#state;
    this.#state = "closed";
    if (before !== "closing") this.#fail(new Error(`the server ended a connection that was ${before}`));
  }

  #fail(error: unknown): void {
    const { onFailure } = this.#options;
    if (!onFailure) throw error;
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    onFailure(error instanceof Error ? error.message : String(error));
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
    // The server waits for the answer.
    this.close();
    throw new Error(`the server closed with ${code} ${reason}`);
  }
}

function encodeUpgrade({ url, protocol }: RawSocketOptions): Uint8Array<ArrayBuffer> {
  const lines = protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`];
  return encodeGet(url.pathname + url.search, [...HANDSHAKE, ...lines]).slice();
}

/** Checks the head of `text`; behind the head of a refusal is the body that names its code. */
function checkUpgrade(text: string, protocol: string | undefined): void {
  const [head = ""] = text.split("\r\n\r\n", 1);
  const response = parseHttpResponse(head);
  if (response?.status !== 101) throw new Error(`no upgrade: ${text.slice(0, 1_000)}`);
  const selected = headerOf(response.headers, "sec-websocket-protocol");
  if (selected !== protocol) throw new Error(`subprotocol ${selected} instead of ${protocol}`);
}
