import type { User } from "../auth/user.ts";
import { CLOSE, MAX_CLOSE_REASON_BYTES } from "../protocol/close_codes.ts";
import { type ErrorCode, type ErrorFrame, ERRORS } from "../protocol/errors.ts";
import { cutToBytes, isLargerThan } from "./frame_size.ts";
import type { OpenWatch } from "./open_watch.ts";
import type { Socket, SocketClose, SocketHandlers, SocketLimits } from "./socket.ts";

/** The handlers of an endpoint, by what they answer to. */
export type HandlerName = "open" | "message" | "close";

/** What a server socket is made of. */
export interface ServerSocketOptions {
  readonly raw: WebSocket;
  readonly id: string;
  readonly user: User;
  readonly handlers: SocketHandlers;
  readonly limits: SocketLimits;
  /** Gives up on the socket when it does not open. */
  readonly openWatch: OpenWatch;
  /** Called when a handler of the endpoint threw or rejected. */
  readonly onFailure: (handler: HandlerName, error: unknown) => void;
  /** Called once, when the connection is gone. */
  readonly onGone: (socket: ServerSocket, close: SocketClose) => void;
}

/** What happened to a socket and waits for its turn. */
type Happening = { readonly data: string | ArrayBuffer } | { readonly close: SocketClose } | "open";

/**
 * The socket behind `Socket`: guards every callback, keeps them in order, and holds the limits. The only place that
 * listens to a raw WebSocket.
 */
export class ServerSocket implements Socket {
  readonly id: string;
  readonly user: User;
  readonly #raw: WebSocket;
  readonly #options: ServerSocketOptions;
  /** What waits while an async handler works; empty most of the time. */
  readonly #waiting: Happening[] = [];
  #working = false;
  #closedByUs: SocketClose | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #opened = false;
  #gone = false;

  constructor(options: ServerSocketOptions) {
    this.#options = options;
    this.id = options.id;
    this.user = options.user;
    const raw = this.#raw = options.raw;
    raw.binaryType = "arraybuffer";
    raw.onopen = () => this.#open();
    raw.onmessage = (event) => this.#receive(event.data);
    raw.onclose = (event) => this.#end(event.code, event.reason);
    // Without a listener Deno ends the process. On an open socket a close event follows, which is what counts.
    raw.onerror = (event) => {
      event.preventDefault();
      if (!this.#opened) this.giveUp();
    };
    options.openWatch.add(this);
  }

  get protocol(): string {
    return this.#raw.protocol;
  }

  get isOpen(): boolean {
    return !this.#closedByUs && this.#raw.readyState === WebSocket.OPEN;
  }

  send(data: string | ArrayBuffer | Uint8Array): boolean {
    const raw = this.#raw;
    if (!this.isOpen) return false;
    if (raw.bufferedAmount > this.#options.limits.maxBufferedBytes) {
      this.close(CLOSE.tooSlow, "reads too slowly");
      return false;
    }
    raw.send(data);
    return true;
  }

  sendJson(value: unknown): boolean {
    return this.send(JSON.stringify(value));
  }

  sendError(code: ErrorCode, message: string = ERRORS[code].detail, field?: string): boolean {
    const frame: ErrorFrame = { type: "error", code, message, ...(field === undefined ? {} : { field }) };
    return this.sendJson(frame);
  }

  close(code: number = CLOSE.done, reason: string = ""): void {
    if (this.#closedByUs || this.#raw.readyState >= WebSocket.CLOSING) return;
    if (!isSendable(code)) {
      // The endpoint's mistake. Deno would send any number, and peers drop the connection over it, or wait for ever.
      this.#failed("close", new RangeError(`${code} is not a close code that may be sent.`));
      return this.close(CLOSE.internal, "the endpoint closed with a wrong code");
    }
    this.#closedByUs = { code, reason: cutToBytes(reason, MAX_CLOSE_REASON_BYTES) };
    // Before the handshake is through there is nobody to say it to; #open() will.
    if (this.#raw.readyState === WebSocket.OPEN) this.#closeRaw(this.#closedByUs);
  }

  /**
   * Closes when what has arrived is read. Deno (2.1.4 and 2.9.6) drops a closing server socket at the next frame that it
   * reads, often before the close frame is written: a peer with frames under way would see 1006 instead of our code. Can
   * become a plain close when Deno writes the close frame first.
   */
  #closeRaw({ code, reason }: SocketClose): void {
    this.#closeTimer = setTimeout(() => this.#raw.close(code, reason));
  }

  /** Ends a socket that does not open, as if its connection had broken. */
  giveUp(): void {
    this.#end(1006, "");
  }

  #open(): void {
    this.#options.openWatch.delete(this);
    if (this.#gone) return this.#raw.close(CLOSE.internal, "opened too late");
    if (this.#closedByUs) return this.#closeRaw(this.#closedByUs);
    this.#opened = true;
    this.#happen("open");
  }

  #receive(data: string | ArrayBuffer): void {
    const { maxFrameBytes, maxQueuedFrames } = this.#options.limits;
    if (this.#closedByUs) return;
    if (isLargerThan(data, maxFrameBytes)) {
      return this.close(CLOSE.frameTooBig, `a frame may have ${maxFrameBytes} bytes`);
    }
    if (this.#waiting.length >= maxQueuedFrames) {
      return this.close(CLOSE.flood, `${maxQueuedFrames} frames are waiting to be handled`);
    }
    this.#happen({ data });
  }

  #end(code: number, reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    if (!this.#opened) this.#options.openWatch.delete(this);
    clearTimeout(this.#closeTimer);
    // Deno reports 0 where the connection broke; the name for that is 1006.
    const close = this.#closedByUs ?? { code: code || 1006, reason };
    this.#options.onGone(this, close);
    if (this.#opened) this.#happen({ close });
  }

  /** Runs the handler now, or when those before it are done. */
  #happen(happening: Happening): void {
    if (this.#working) {
      this.#waiting.push(happening);
      return;
    }
    const pending = this.#handle(happening);
    if (pending) void this.#workThrough(pending);
  }

  async #workThrough(pending: Promise<void>): Promise<void> {
    this.#working = true;
    let current: Promise<void> | undefined = pending;
    do {
      await current;
      const next = this.#waiting.shift();
      if (!next) break;
      current = this.#handle(next);
    } while (true);
    this.#working = false;
  }

  /** Never throws; the promise it may return never rejects. */
  #handle(happening: Happening): Promise<void> | undefined {
    const { handlers } = this.#options;
    try {
      if (happening === "open") return this.#guard("open", handlers.onOpen?.(this));
      if ("close" in happening) return this.#guard("close", handlers.onClose?.(this, happening.close));
      // What still waits when we have closed the socket is not wanted any more.
      if (this.#closedByUs) return undefined;
      return this.#guard("message", handlers.onMessage?.(this, happening.data));
    } catch (error) {
      this.#failed(happening === "open" ? "open" : "close" in happening ? "close" : "message", error);
      return undefined;
    }
  }

  #guard(handler: HandlerName, result: void | Promise<void>): Promise<void> | undefined {
    if (!(result instanceof Promise)) return undefined;
    return result.catch((error: unknown) => this.#failed(handler, error));
  }

  #failed(handler: HandlerName, error: unknown): void {
    this.#options.onFailure(handler, error);
    this.sendError("internal");
    if (handler === "open") this.close(CLOSE.internal, "the endpoint could not open");
  }
}

/** What RFC 6455, section 7.4, and the registry of its codes let an endpoint send: 1005, 1006 and 1015 are not among it. */
function isSendable(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999;
}
