import type { User } from "../auth/user.ts";
import { errorFields, type Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import { type ErrorCode, type ErrorDetails, errorFrame } from "../../../protocol/error_codes.ts";
import type { ConnectionRegistry, DrainableSocket } from "./connection_registry.ts";
import type { DrainNotice, SocketClose, SocketHandlers, SocketLimits } from "./socket.ts";

/** Options of an event stream. */
export interface EventStreamOptions {
  readonly user: User;
  readonly requestId: string;
  /** Route pattern, for the log. */
  readonly route: string;
  /** Endpoint's handlers. `onMessage` is never called: the client of a stream sends nothing. */
  readonly handlers: SocketHandlers;
  /**
   * Returns the `id:` of the event with this text, which `Last-Event-ID` returns; undefined for
   * none.
   */
  readonly eventId: (text: string) => string | undefined;
}

/** Dependencies of an event stream. */
export interface EventStreamDeps {
  readonly connections: ConnectionRegistry;
  readonly limits: SocketLimits;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Opens a stream of Server-Sent Events: a write-only socket for clients that WebSockets do not
 * reach. Each send becomes one event. A close ends the stream with an event `close` that carries
 * the reason, and EventSource reconnects by itself. The limits on buffered bytes are those of
 * sockets.
 */
export function openEventStream(options: EventStreamOptions, deps: EventStreamDeps): Response {
  const socket = new EventStream(options, deps);
  return new Response(socket.body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}

class EventStream implements DrainableSocket {
  readonly id = crypto.randomUUID();
  readonly user: User;
  readonly protocol = "";
  readonly received = 0;
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: EventStreamOptions;
  readonly #deps: EventStreamDeps;
  readonly #encoder = new TextEncoder();
  readonly #opened: Promise<void>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #drained = Promise.withResolvers<void>();

  constructor(options: EventStreamOptions, deps: EventStreamDeps) {
    this.#options = options;
    this.#deps = deps;
    this.user = options.user;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#drained.resolve(),
      cancel: () => this.#end({ code: 1006, reason: "" }),
    }, new ByteLengthQueuingStrategy({ highWaterMark: deps.limits.slowBufferedBytes }));
    deps.connections.add(this);
    deps.metrics.connectionsOpened += 1;
    deps.log.info("stream.open", this.#about());
    this.#opened = this.#open();
  }

  get isOpen(): boolean {
    return this.#controller !== undefined;
  }

  get isSlow(): boolean {
    return this.pendingBytes > this.#deps.limits.slowBufferedBytes;
  }

  send(data: string | ArrayBuffer | Uint8Array): boolean {
    if (typeof data !== "string" || !this.#controller) return false;
    if (this.pendingBytes > this.#deps.limits.maxBufferedBytes) {
      this.close(CLOSE.tooSlow, "reads too slowly");
      return false;
    }
    const id = this.#options.eventId(data);
    this.#write(id === undefined ? `data: ${data}\n\n` : `id: ${id}\ndata: ${data}\n\n`);
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
    const controller = this.#controller;
    if (!controller) return;
    this.#write(`event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`);
    this.#end({ code, reason });
    controller.close();
  }

  drain(notice: DrainNotice): void {
    this.#options.handlers.onDrain?.(this, notice);
    // EventSource waits this long before it reconnects.
    if (this.#controller) this.#write(`retry: ${notice.reconnectAfterMs}\n\n`);
    this.close(CLOSE.isolateGoing, `isolate going: ${notice.reason}`);
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

  #end(close: SocketClose): void {
    if (!this.#controller) return;
    this.#controller = undefined;
    this.#drained.resolve();
    this.#deps.connections.remove(this);
    this.#deps.metrics.closed(close.code);
    this.#deps.log.info("stream.close", { ...this.#about(), code: close.code });
    void this.#notifyEndpoint(close);
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
    this.#controller?.enqueue(this.#encoder.encode(text));
  }

  get pendingBytes(): number {
    const { slowBufferedBytes } = this.#deps.limits;
    return slowBufferedBytes - (this.#controller?.desiredSize ?? slowBufferedBytes);
  }

  #failed(handler: string, error: unknown): void {
    this.#deps.log.error("socket.handler_failed", { ...this.#about(), handler, ...errorFields(error) });
  }

  #about(): Record<string, string> {
    const { requestId, route, user } = this.#options;
    return { socket: this.id, request_id: requestId, route, user: user.id };
  }
}
