import type { User } from "../auth/user.ts";
import { Backlog } from "./backlog.ts";
import { CLOSE, isSendable, MAX_CLOSE_REASON_BYTES } from "../../../protocol/close_codes.ts";
import { type ErrorCode, type ErrorDetails, errorFrame } from "../../../protocol/error_codes.ts";
import { cutToBytes, isLargerThan } from "./frame_size.ts";
import type { HandshakeWatch } from "./handshake_watch.ts";
import { FLOOD_WAIT_MS } from "../../../protocol/limits.ts";
import type { DrainNotice, Socket, SocketClose, SocketHandlers, SocketLimits } from "./socket.ts";

/** The handlers of an endpoint, by what they answer to. */
export type HandlerName = "open" | "message" | "drain" | "close";

/** What a server socket is made of. */
export interface ServerSocketOptions {
  readonly raw: WebSocket;
  readonly id: string;
  readonly user: User;
  /** The selected subprotocol: of a server's socket Deno (2.1.4 and 2.9.6) says "", whatever was selected. */
  readonly protocol: string;
  readonly handlers: SocketHandlers;
  readonly limits: SocketLimits;
  /** Frames that may wait while an async handler works. */
  readonly queuedFrames: number;
  /** Gives up on the socket when it does not open, or does not close. */
  readonly handshakeWatch: HandshakeWatch;
  /** Called when a handler of the endpoint threw or rejected. */
  readonly onFailure: (handler: HandlerName, error: unknown) => void;
  /** Called once, when the socket has ended for its endpoint. */
  readonly onEnd: (socket: ServerSocket, close: SocketClose) => void;
  /** Called once, when its connection takes no place any more: at its end, or later where a peer does not answer our close. */
  readonly onRelease: (socket: ServerSocket) => void;
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
  readonly protocol: string;
  readonly #raw: WebSocket;
  readonly #backlog: Backlog;
  readonly #options: ServerSocketOptions;
  /** What waits while an async handler works; empty most of the time. */
  readonly #waiting: Happening[] = [];
  #waitingBytes = 0;
  #working = false;
  #closedByUs: SocketClose | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #opened = false;
  #gone = false;
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
    // Without a listener Deno ends the process. On an open socket a close event follows, which is what counts.
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

  get waitingBytes(): number {
    return this.#raw.bufferedAmount + this.#waitingBytes;
  }

  send(data: string | ArrayBuffer | Uint8Array): boolean {
    // Our own flags and not `readyState`, which costs a twentieth of what sending does.
    if (!this.#opened || this.#gone || this.#closedByUs) return false;
    if (!this.#backlog.takes(data)) {
      this.close(CLOSE.tooSlow, "reads too slowly");
      return false;
    }
    try {
      this.#raw.send(data);
    } catch (error) {
      // The peer has closed, and the event that says so is on its way.
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

  /** Tells the endpoint that the isolate is going, and closes with 1012. */
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
      // The endpoint's mistake. Deno would send any number, and peers drop the connection over it, or wait for ever.
      this.#failed("close", new RangeError(`${code} is not a close code that may be sent.`));
      return this.close(CLOSE.internal, "the endpoint closed with a wrong code");
    }
    this.#closedByUs = { code, reason: cutToBytes(reason, MAX_CLOSE_REASON_BYTES) };
    this.#options.handshakeWatch.add(this);
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

  /** Ends a socket that does not open, or does not close, as if its connection had broken. */
  giveUp(): void {
    this.#end(1006, "");
    // One that was open is still there: Deno has no way to destroy it. Its peer must not get around the limits by being silent.
    if (!this.#opened) this.#release();
  }

  #open(): void {
    if (this.#gone) return this.#raw.close(CLOSE.internal, "opened too late");
    if (!this.#closedByUs) this.#options.handshakeWatch.delete(this);
    if (this.#closedByUs) return this.#closeRaw(this.#closedByUs);
    this.#opened = true;
    this.#happen("open");
  }

  #receive(data: string | ArrayBuffer): void {
    const { limits: { maxFrameBytes, maxQueuedBytes }, queuedFrames } = this.#options;
    if (this.#closedByUs) return;
    this.#received += 1;
    if (isLargerThan(data, maxFrameBytes)) {
      return this.close(CLOSE.frameTooBig, `a frame may have ${maxFrameBytes} bytes`);
    }
    if (this.#waiting.length >= queuedFrames || this.#waitingBytes >= maxQueuedBytes) {
      this.sendError("rate_limited", { retryAfterMs: FLOOD_WAIT_MS });
      return this.close(CLOSE.flood, "too much is waiting to be handled");
    }
    this.#happen({ data });
  }

  #end(code: number, reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#options.handshakeWatch.delete(this);
    clearTimeout(this.#closeTimer);
    // Deno reports 0 where the connection broke; the name for that is 1006.
    const close = this.#closedByUs ?? { code: code || 1006, reason };
    this.#options.onEnd(this, close);
    if (this.#opened) this.#happen({ close });
  }

  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#options.onRelease(this);
  }

  /** Runs the handler now, or when those before it are done. */
  #happen(happening: Happening): void {
    if (this.#working) {
      this.#waiting.push(happening);
      this.#waitingBytes += sizeOf(happening);
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
      this.#waitingBytes -= sizeOf(next);
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

/** What it takes while it waits, about. */
function sizeOf(happening: Happening): number {
  if (happening === "open" || !("data" in happening)) return 0;
  return typeof happening.data === "string" ? happening.data.length : happening.data.byteLength;
}
