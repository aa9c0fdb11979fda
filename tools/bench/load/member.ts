import { encodeClientFrame } from "../../support/wire/websocket_frames.ts";
import { OPCODE } from "../../support/wire/wire_frame.ts";
import { type Dialect, MESSAGE_MARKER } from "./dialect.ts";
import { createMarkerCounter } from "./marker.ts";
import { type OnMessage, RawSocket } from "./raw_socket.ts";
import type { SocketLoop } from "./socket_loop.ts";

const countMessages = createMarkerCounter(MESSAGE_MARKER);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Size of a chat message's JSON, the same in every case. */
const CHAT_BYTES = 100;

/** Encodes text as a client's frame. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return encodeClientFrame(OPCODE.text, encoder.encode(text));
}

/** JSON of a chat message whose text begins with `mark`. */
export function chatData(mark: string = ""): string {
  return JSON.stringify({ text: mark.padEnd(CHAT_BYTES - '{"text":""}'.length, "x") });
}

/** Options of a member. */
interface MemberOptions {
  readonly url: string;
  readonly dialect: Dialect;
  /** True if the server may refuse or close the socket; otherwise that ends the running job. */
  readonly mayFail: boolean;
  /** Called once the server has confirmed the join, or with the reason if it does not. */
  readonly onSettled: (member: Member, refusal?: string) => void;
}

/** A socket that joins a room and counts deliveries. */
export class Member {
  readonly socket: RawSocket;
  readonly #dialect: Dialect;
  /** Called after a WebSocket message was counted; it contained `messages` messages of the room. */
  onDelivery: (messages: number, ...payload: Parameters<OnMessage>) => void = () => {};
  #hasJoined = false;
  #hasFailed = false;
  #deliveries = 0;
  #published = 0;

  constructor(loop: SocketLoop, { url, dialect, mayFail, onSettled }: MemberOptions) {
    this.#dialect = dialect;
    const greeting = dialect.greeting?.();
    const join = (): void => {
      this.#hasJoined = true;
      this.socket.onMessage = (bytes, start, end) => this.#receive(bytes, start, end);
      onSettled(this);
    };
    this.socket = new RawSocket(loop, {
      url: new URL(url),
      protocol: dialect.protocol,
      onOpen: () => {
        if (!greeting) join();
        else if (greeting.first !== undefined) this.socket.send(encodeText(greeting.first));
      },
      onMessage: (bytes, start, end) => {
        const text = decoder.decode(bytes.subarray(start, end));
        if (greeting?.receive(text, (answer) => this.socket.send(encodeText(answer)))) join();
      },
      onFailure: mayFail
        ? (reason) => {
          this.#hasFailed = true;
          if (!this.#hasJoined) onSettled(this, reason);
        }
        : undefined,
    });
  }

  /** True once the server has refused or closed the socket, or it was closed. */
  get isGone(): boolean {
    return this.#hasFailed || this.socket.isClosed;
  }

  /** True if the server expects pings of the client. */
  get pings(): boolean {
    return this.#dialect.protocol !== undefined;
  }

  /** Publishes a chat message; `data` is JSON. */
  publish(data: string): void {
    this.socket.send(encodeText(this.#dialect.publish(`m-${++this.#published}`, data)));
  }

  /** Wraps text as the server's echo endpoint expects and returns it. */
  wrapEcho(text: string): string {
    return this.#dialect.wrapEcho?.(text) ?? text;
  }

  /** Returns the number of deliveries since the last call. */
  takeDeliveries(): number {
    const deliveries = this.#deliveries;
    this.#deliveries = 0;
    return deliveries;
  }

  #receive(bytes: Uint8Array, start: number, end: number): void {
    const messages = countMessages(bytes, start, end);
    if (messages > 0) this.#deliveries += messages;
    else this.answerKeepAlive(bytes, start, end);
    this.onDelivery(messages, bytes, start, end);
  }

  /** Answers the server's ping; returns true if the message is one. */
  answerKeepAlive(bytes: Uint8Array, start: number, end: number): boolean {
    const { keepAlive } = this.#dialect;
    if (keepAlive?.message.length !== end - start) return false;
    if (decoder.decode(bytes.subarray(start, end)) !== keepAlive.message) return false;
    this.socket.send(encodeText(keepAlive.answer));
    return true;
  }
}

/** Returns the number of deliveries to all members since the last call. */
export function takeAllDeliveries(members: readonly Member[]): number {
  return members.reduce((sum, member) => sum + member.takeDeliveries(), 0);
}

/** Text of an error for a WebSocket message that refuses a publish. */
export function refusalText(bytes: Uint8Array, start: number, end: number): string {
  return `a publish was refused: ${decoder.decode(bytes.subarray(start, end)).slice(0, 500)}`;
}
