import type { User } from "../auth/user.ts";
import { errorFields, type Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import { type ErrorCode, type ErrorDetails, errorFrame, ERRORS } from "../../../protocol/error_codes.ts";
import { closeEvent, EVENT_STREAM_HEADERS, reconnectAfter } from "./close_event.ts";
import type { ConnectionRegistry, DrainableSocket } from "./connection_registry.ts";
import type { PendingHandshake } from "./handshake_watch.ts";
import type { DrainNotice, SocketClose, SocketHandlers, SocketLimits } from "./socket.ts";

/** Options of an event stream. */
export interface EventStreamOptions {
  readonly user: User;
  readonly requestId: string;
  /** Route pattern, for the log. */
  readonly route: string;
  /** Endpoint's handlers. `onMessage` is never called: the client of a stream sends nothing. */
  readonly handlers: SocketHandlers;
  /** Returns the event for this text, with the blank line that ends it. */
  readonly eventText: (text: string) => string;
}

/** Dependencies of an event stream. */
export interface EventStreamDeps {
  readonly connections: ConnectionRegistry;
  readonly limits: SocketLimits;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Random number from 0 to below 1. */
  readonly random: () => number;
}

/**
 * Opens a stream of Server-Sent Events: a write-only socket for clients that WebSockets do not
 * reach. Each send becomes one event. A close ends the stream with an event `close` that carries
 * the reason, and EventSource reconnects by itself. The limits on buffered bytes are those of
 * sockets.
 */
export function openEventStream(options: EventStreamOptions, deps: EventStreamDeps): Response {
  const socket = new EventStream(options, deps);
  return new Response(socket.body, { headers: EVENT_STREAM_HEADERS });
}

class EventStream implements DrainableSocket, PendingHandshake {
  readonly id = crypto.randomUUID();
  readonly user: User;
  readonly protocol = "";
  readonly received = 0;
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: EventStreamOptions;
  readonly #deps: EventStreamDeps;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /**
   * Resolves when `onOpen` has run; undefined until the body is read, and while it is not counted.
   */
  #opened: Promise<void> | undefined;
  #hasEnded = false;
  /** Text in front of the first event. */
  #preface: string;
  #drained = Promise.withResolvers<void>();

  constructor(options: EventStreamOptions, deps: EventStreamDeps) {
    this.#options = options;
    this.#deps = deps;
    this.user = options.user;
    this.#preface = `retry: ${this.#reconnectMs()}\n`;
    // Without a buffer of its own the body is pulled only by a reader. So a body that is dropped,
    // as Hono does for HEAD, never opens a stream.
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pull(),
      cancel: () => {
        this.#controller = undefined;
        this.#end({ code: 1006, reason: "" });
        this.#release();
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: 0 }));
  }

  get isOpen(): boolean {
    return this.#controller !== undefined && !this.#hasEnded;
  }

  get isSlow(): boolean {
    return this.pendingBytes > this.#deps.limits.slowBufferedBytes;
  }

  send(data: string | ArrayBuffer | Uint8Array): boolean {
    if (typeof data !== "string" || !this.isOpen) return false;
    if (this.pendingBytes > this.#deps.limits.maxBufferedBytes) {
      this.close(CLOSE.tooSlow, "reads too slowly");
      return false;
    }
    this.#write(this.#options.eventText(data));
    return true;
  }

  async drained(): Promise<void> {
    while (this.isOpen && this.isSlow) {
      this.#drained = Promise.withResolvers();
      await this.#drained.promise;
    }
  }

  sendJson(value: unknown): boolean {
    return this.send(JSON.stringify(value));
  }

  sendError(code: ErrorCode, details?: ErrorDetails): boolean {
    return this.sendJson(errorFrame(code, details));
  }

  close(code: number = CLOSE.done, reason: string = ""): void {
    this.#close({ code, reason });
  }

  #close(close: SocketClose, retryMs?: number): void {
    if (!this.isOpen) return;
    this.#write(closeEvent(close, retryMs));
    this.#end(close);
    // The stream counts until its peer has read everything, or for a few seconds.
    this.#deps.connections.handshakeWatch.add(this);
  }

  /** Drops a stream whose peer does not read its end, with everything that is buffered. */
  giveUp(): void {
    // Text, since Deno 2.9.6 prints it: an Error would fill the log with its stack.
    this.#controller?.error("An event stream was cut: its client does not read.");
    this.#controller = undefined;
    this.#release();
  }

  drain({ reason, isImmediate, reconnectAfterMs }: DrainNotice): void {
    // A client that is back at once would meet the same isolate again.
    const retryMs = this.#reconnectMs() + reconnectAfterMs;
    this.#options.handlers.onDrain?.(this, { reason, isImmediate, reconnectAfterMs: retryMs });
    this.#close({ code: CLOSE.isolateGoing, reason: `isolate going: ${reason}` }, retryMs);
  }

  /** Runs when a reader waits and nothing is buffered. */
  #pull(): void {
    this.#drained.resolve();
    if (this.#hasEnded) {
      this.#controller?.close();
      this.#controller = undefined;
      this.#release();
    } else if (!this.#opened) this.#start();
  }

  /**
   * Counts the stream and opens it. Others may have filled the isolate since the route was chosen.
   */
  #start(): void {
    const { connections, metrics, log, random } = this.#deps;
    const refusal = connections.refusal(this.user.id);
    if (refusal) {
      metrics.refused(refusal);
      const retryMs = reconnectAfter(ERRORS[refusal].retryAfterSeconds * 1000, random);
      return this.#close({ code: CLOSE.tooSlow, reason: refusal }, retryMs);
    }
    connections.add(this);
    metrics.connectionsOpened += 1;
    log.info("stream.open", this.#about());
    this.#opened = Promise.resolve().then(() => this.#open());
  }

  async #open(): Promise<void> {
    try {
      await this.#options.handlers.onOpen?.(this);
    } catch (error) {
      this.#failed("open", error);
      this.sendError("internal");
      this.close(CLOSE.internal, "the endpoint could not open");
    }
  }

  /** Ends the stream for its endpoint. */
  #end(close: SocketClose): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#drained.resolve();
    // A body that nobody read has no endpoint to notify.
    if (!this.#opened) return;
    this.#deps.connections.ended(this);
    this.#deps.metrics.closed(close.code);
    this.#deps.log.info("stream.close", { ...this.#about(), code: close.code });
    void this.#notifyEndpoint(close);
  }

  /** Stops counting the stream: its connection and its buffer are gone. */
  #release(): void {
    this.#deps.connections.handshakeWatch.delete(this);
    this.#deps.connections.remove(this);
  }

  async #notifyEndpoint(close: SocketClose): Promise<void> {
    await this.#opened;
    try {
      await this.#options.handlers.onClose?.(this, close);
    } catch (error) {
      this.#failed("close", error);
    }
  }

  #write(text: string): void {
    this.#controller?.enqueue(this.#encoder.encode(this.#preface + text));
    this.#preface = "";
  }

  #reconnectMs(): number {
    return reconnectAfter(0, this.#deps.random);
  }

  get pendingBytes(): number {
    return -(this.#controller?.desiredSize ?? 0);
  }

  #failed(handler: string, error: unknown): void {
    this.#deps.log.error("socket.handler_failed", { ...this.#about(), handler, ...errorFields(error) });
  }

  #about(): Record<string, string> {
    const { requestId, route, user } = this.#options;
    return { socket: this.id, request_id: requestId, route, user: user.id };
  }
}
