import type { User } from "../auth/user.ts";
import { Backlog } from "./backlog.ts";
import { CLOSE, isSendable, MAX_CLOSE_REASON_BYTES } from "../../../protocol/close_codes.ts";
import { type ErrorCode, type ErrorDetails, errorFrame } from "../../../protocol/error_codes.ts";
import { cutToBytes, isLargerThan } from "./frame_size.ts";
import type { HandshakeWatch } from "./handshake_watch.ts";
import { FLOOD_WAIT_MS } from "../../../protocol/limits.ts";
import type { DrainNotice, Socket, SocketClose, SocketHandlers, SocketLimits } from "./socket.ts";

/** Names of an endpoint's handlers. */
export type HandlerName = "open" | "message" | "drain" | "close";

/** Options of `ServerSocket`. */
export interface ServerSocketOptions {
  readonly raw: WebSocket;
  readonly id: string;
  readonly user: User;
  /** Selected subprotocol. Deno (2.1.4 and 2.9.6) always reports "" on a server's socket. */
  readonly protocol: string;
  readonly handlers: SocketHandlers;
  readonly limits: SocketLimits;
  /** Maximum frames queued behind an async handler. */
  readonly queuedFrames: number;
  /** Ends the socket if its opening or closing handshake does not complete. */
  readonly handshakeWatch: HandshakeWatch;
  /** Called if a handler of the endpoint throws or rejects. */
  readonly onFailure: (handler: HandlerName, error: unknown) => void;
  /** Called once, if the socket is closed for a flood. */
  readonly onFlood: () => void;
  /** Called once, when the socket ends for its endpoint. */
  readonly onEnd: (socket: ServerSocket, close: SocketClose) => void;
  /**
   * Called once, when the connection no longer counts against the limits: at its end, or later if
   * the peer does not answer the close.
   */
  readonly onRelease: (socket: ServerSocket) => void;
}

/** Event of a socket that waits for the handler before it. */
type QueuedEvent = { readonly data: string | ArrayBuffer } | { readonly close: SocketClose } | "open";

/**
 * Implements `Socket`: guards every handler, runs them in order, and enforces the limits. The only
 * class that listens to a raw WebSocket.
 */
export class ServerSocket implements Socket {
  readonly id: string;
  readonly user: User;
  readonly protocol: string;
  readonly #raw: WebSocket;
  readonly #backlog: Backlog;
  readonly #options: ServerSocketOptions;
  /** Events queued behind an async handler; empty most of the time. */
  readonly #queue: QueuedEvent[] = [];
  #queuedBytes = 0;
  #isProcessing = false;
  #closedByUs: SocketClose | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #opened = false;
  #hasEnded = false;
  #released = false;
  #received = 0;

  constructor(options: ServerSocketOptions) {
    this.#options = options;
    this.id = options.id;
    this.user = options.user;
    this.protocol = options.protocol;
    const raw = this.#raw = options.raw;
    this.#backlog = new Backlog(raw, options.limits);
    raw.binaryType = "arraybuffer";
    raw.onopen = () => this.#open();
    raw.onmessage = (event) => this.#receive(event.data);
    raw.onclose = (event) => {
      this.#end(event.code, event.reason);
      this.#release();
    };
    // Deno ends the process if `error` has no listener. On an open socket, `close` follows.
    raw.onerror = (event) => {
      event.preventDefault();
      if (!this.#opened) this.giveUp();
    };
    options.handshakeWatch.add(this);
  }

  get isOpen(): boolean {
    return !this.#closedByUs && this.#raw.readyState === WebSocket.OPEN;
  }

  get received(): number {
    return this.#received;
  }

  get isSlow(): boolean {
    return this.#backlog.isSlow;
  }

  get pendingBytes(): number {
    return this.#raw.bufferedAmount + this.#queuedBytes;
  }

  send(data: string | ArrayBuffer | Uint8Array): boolean {
    // Checks own flags instead of `readyState`, which costs a twentieth of a send.
    if (!this.#opened || this.#hasEnded || this.#closedByUs) return false;
    if (!this.#backlog.accepts(data)) {
      this.close(CLOSE.tooSlow, "reads too slowly");
      return false;
    }
    try {
      this.#raw.send(data);
    } catch (error) {
      // The peer has closed; its close event is still to come.
      if (error instanceof DOMException && error.name === "InvalidStateError") return false;
      throw error;
    }
    return true;
  }

  async drained(): Promise<void> {
    if (await this.#backlog.drained(() => this.isOpen)) return;
    this.close(CLOSE.tooSlow, "reads too slowly");
  }

  sendJson(value: unknown): boolean {
    return this.send(JSON.stringify(value));
  }

  sendError(code: ErrorCode, details?: ErrorDetails): boolean {
    return this.sendJson(errorFrame(code, details));
  }

  /** Notifies the endpoint of the drain and closes with 1012. */
  drain(notice: DrainNotice): void {
    try {
      if (this.isOpen && this.#opened) this.#options.handlers.onDrain?.(this, notice);
    } catch (error) {
      this.#options.onFailure("drain", error);
    }
    this.close(CLOSE.isolateGoing, `isolate going: ${notice.reason}`);
  }

  close(code: number = CLOSE.done, reason: string = ""): void {
    if (this.#closedByUs || this.#raw.readyState >= WebSocket.CLOSING) return;
    if (!isSendable(code)) {
      // Deno would send any number; peers then drop the connection, or wait for ever.
      this.#failed(
        "close",
        new RangeError(`close(${code}): this code may not be sent. Use 1000 or 3000 to 4999.`),
      );
      return this.close(CLOSE.internal, "the endpoint closed with a wrong code");
    }
    this.#closedByUs = { code, reason: cutToBytes(reason, MAX_CLOSE_REASON_BYTES) };
    // No handler gets them any more, and a peer that never answers would keep their memory.
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    if (code === CLOSE.flood) this.#options.onFlood();
    this.#options.handshakeWatch.add(this);
    // During the opening handshake no close frame can be sent; #open() sends it.
    if (this.#raw.readyState === WebSocket.OPEN) this.#closeRaw(this.#closedByUs);
  }

  /**
   * Closes after the frames that have arrived are read. Deno (2.1.4 and 2.9.6) drops a closing
   * server socket at the next frame it reads, often before it writes the close frame. A peer that
   * is sending would see 1006 instead of the code. Use a plain close once Deno writes the close
   * frame first.
   */
  #closeRaw({ code, reason }: SocketClose): void {
    this.#closeTimer = setTimeout(() => this.#raw.close(code, reason));
  }

  /** Ends a socket whose handshake does not complete, as if its connection had broken. */
  giveUp(): void {
    this.#end(1006, "");
    // A socket that was open still exists, since Deno cannot destroy it. It keeps counting: a
    // silent peer must not bypass the limits.
    if (!this.#opened) this.#release();
  }

  #open(): void {
    if (this.#hasEnded) return this.#raw.close(CLOSE.internal, "opened too late");
    if (!this.#closedByUs) this.#options.handshakeWatch.delete(this);
    if (this.#closedByUs) return this.#closeRaw(this.#closedByUs);
    this.#opened = true;
    this.#dispatch("open");
  }

  #receive(data: string | ArrayBuffer): void {
    const { limits: { maxFrameBytes, maxQueuedBytes }, queuedFrames } = this.#options;
    if (this.#closedByUs) return;
    this.#received += 1;
    if (isLargerThan(data, maxFrameBytes)) {
      return this.close(CLOSE.frameTooBig, `a frame may have ${maxFrameBytes} bytes`);
    }
    if (this.#queue.length >= queuedFrames || this.#queuedBytes >= maxQueuedBytes) {
      this.sendError("rate_limited", { retryAfterMs: FLOOD_WAIT_MS });
      return this.close(CLOSE.flood, "too much is waiting to be handled");
    }
    this.#dispatch({ data });
  }

  #end(code: number, reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#options.handshakeWatch.delete(this);
    clearTimeout(this.#closeTimer);
    // Deno reports 0 for a broken connection; the standard code is 1006.
    const close = this.#closedByUs ?? { code: code || 1006, reason };
    this.#options.onEnd(this, close);
    if (this.#opened) this.#dispatch({ close });
  }

  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#options.onRelease(this);
  }

  /** Runs the event's handler now, or after the handlers before it. */
  #dispatch(event: QueuedEvent): void {
    if (this.#isProcessing) {
      this.#queue.push(event);
      this.#queuedBytes += sizeOf(event);
      return;
    }
    const pending = this.#handle(event);
    if (pending) void this.#processQueue(pending);
  }

  async #processQueue(pending: Promise<void>): Promise<void> {
    this.#isProcessing = true;
    let current: Promise<void> | undefined = pending;
    do {
      await current;
      const next = this.#queue.shift();
      if (!next) break;
      this.#queuedBytes -= sizeOf(next);
      current = this.#handle(next);
    } while (true);
    this.#isProcessing = false;
  }

  /** Never throws; the promise it may return never rejects. */
  #handle(event: QueuedEvent): Promise<void> | undefined {
    const { handlers } = this.#options;
    try {
      if (event === "open") return this.#guard("open", handlers.onOpen?.(this));
      if ("close" in event) return this.#guard("close", handlers.onClose?.(this, event.close));
      // Drops queued messages once the endpoint has closed the socket.
      if (this.#closedByUs) return undefined;
      return this.#guard("message", handlers.onMessage?.(this, event.data));
    } catch (error) {
      this.#failed(event === "open" ? "open" : "close" in event ? "close" : "message", error);
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

/** Approximate memory of a queued event, in bytes. */
function sizeOf(event: QueuedEvent): number {
  if (event === "open" || !("data" in event)) return 0;
  return typeof event.data === "string" ? event.data.length : event.data.byteLength;
}
