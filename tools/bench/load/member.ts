import { type Dialect, MESSAGE_MARKER } from "./dialect.ts";
import { encodeClientFrame, Opcode } from "./frames.ts";
import { createMarkerCounter } from "./marker.ts";
import { type OnMessage, RawSocket } from "./raw_socket.ts";
import type { SocketLoop } from "./socket_loop.ts";

const countMessages = createMarkerCounter(MESSAGE_MARKER);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Encodes text as a frame to send. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return encodeClientFrame(Opcode.text, encoder.encode(text));
}

/** What a member was delivered. */
export interface Delivered {
  readonly messages: number;
  /** WebSocket messages that held them; the only ones counted in `bytes`. */
  readonly webSocketMessages: number;
  readonly bytes: number;
}

/** How a member is opened. */
export interface MemberOptions {
  readonly url: string;
  readonly dialect: Dialect;
  /** Called when the server says that it is in the room. */
  readonly onJoined: () => void;
}

/** A socket that is, or soon will be, in a room. */
export class Member {
  readonly socket: RawSocket;
  readonly #dialect: Dialect;
  /** Called after a WebSocket message with `messages` messages of the room was counted. */
  onDelivery: (messages: number, ...payload: Parameters<OnMessage>) => void = () => {};
  #messages = 0;
  #webSocketMessages = 0;
  #bytes = 0;
  #published = 0;

  constructor(loop: SocketLoop, { url, dialect, onJoined }: MemberOptions) {
    this.#dialect = dialect;
    const greeting = dialect.greeting?.();
    const join = (): void => {
      this.socket.onMessage = (bytes, start, end) => this.#receive(bytes, start, end);
      onJoined();
    };
    this.socket = new RawSocket(loop, {
      url: new URL(url),
      protocol: dialect.protocol,
      onOpen: () => greeting ?? join(),
      onMessage: (bytes, start, end) => {
        const text = decoder.decode(bytes.subarray(start, end));
        if (greeting?.receive(text, (answer) => this.socket.send(encodeText(answer)))) join();
      },
    });
  }

  /** Publishes a chat message, JSON in `data`. */
  publish(data: string): void {
    this.socket.send(encodeText(this.#dialect.publish(`m-${++this.#published}`, data)));
  }

  /** What carries an echo's text to its server, and back. */
  wrapEcho(text: string): string {
    return this.#dialect.wrapEcho?.(text) ?? text;
  }

  /** What it was delivered since the last call. */
  takeDelivered(): Delivered {
    const delivered = {
      messages: this.#messages,
      webSocketMessages: this.#webSocketMessages,
      bytes: this.#bytes,
    };
    this.#messages = this.#webSocketMessages = this.#bytes = 0;
    return delivered;
  }

  #receive(bytes: Uint8Array, start: number, end: number): void {
    const messages = countMessages(bytes, start, end);
    if (messages > 0) {
      this.#messages += messages;
      this.#webSocketMessages++;
      this.#bytes += end - start;
    } else {
      this.#stay(bytes, start, end);
    }
    this.onDelivery(messages, bytes, start, end);
  }

  #stay(bytes: Uint8Array, start: number, end: number): void {
    const { keepAlive } = this.#dialect;
    if (keepAlive?.message.length !== end - start) return;
    if (decoder.decode(bytes.subarray(start, end)) === keepAlive.message) {
      this.socket.send(encodeText(keepAlive.answer));
    }
  }
}
