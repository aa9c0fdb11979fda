import { encodeClientFrame } from "../../support/wire/websocket_frames.ts";
import { OPCODE } from "../../support/wire/wire_frame.ts";
import { type Dialect, MESSAGE_MARKER } from "./dialect.ts";
import { createMarkerCounter } from "./marker.ts";
import { type OnMessage, RawSocket } from "./raw_socket.ts";
import type { SocketLoop } from "./socket_loop.ts";

const countMessages = createMarkerCounter(MESSAGE_MARKER);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Encodes text as a client's frame. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return encodeClientFrame(OPCODE.text, encoder.encode(text));
}

/** Deliveries to a member. */
interface Delivered {
  readonly messages: number;
  /** WebSocket messages that contained them; `bytes` counts no others. */
  readonly webSocketMessages: number;
  readonly bytes: number;
}

/** Options of a member. */
interface MemberOptions {
  readonly url: string;
  readonly dialect: Dialect;
  /** Called once the server has confirmed the join. */
  readonly onJoined: () => void;
}

/** A socket that joins a room and counts deliveries. */
export class Member {
  readonly socket: RawSocket;
  readonly #dialect: Dialect;
  /** Called after a WebSocket message was counted; it contained `messages` messages of the room. */
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

  /** Publishes a chat message; `data` is JSON. */
  publish(data: string): void {
    this.socket.send(encodeText(this.#dialect.publish(`m-${++this.#published}`, data)));
  }

  /** Wraps text as the server's echo endpoint expects and returns it. */
  wrapEcho(text: string): string {
    return this.#dialect.wrapEcho?.(text) ?? text;
  }

  /** Returns the deliveries since the last call. */
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
      this.#keepAlive(bytes, start, end);
    }
    this.onDelivery(messages, bytes, start, end);
  }

  #keepAlive(bytes: Uint8Array, start: number, end: number): void {
    const { keepAlive } = this.#dialect;
    if (keepAlive?.message.length !== end - start) return;
    if (decoder.decode(bytes.subarray(start, end)) === keepAlive.message) {
      this.socket.send(encodeText(keepAlive.answer));
    }
  }
}
