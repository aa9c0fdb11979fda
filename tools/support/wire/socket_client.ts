import { deadline } from "@std/async";

/** Limit for waits on something immediate, in milliseconds. */
export const PATIENCE_MS = 5_000;

/** Close code and reason of a connection. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket client that queues its messages, so that a test reads one after the other. */
export class SocketClient implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #received: (string | ArrayBuffer)[] = [];
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<Ending>();
  #arrival = Promise.withResolvers<void>();

  constructor(url: string, protocols?: string | string[]) {
    const socket = this.#socket = new WebSocket(url, protocols);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened.resolve();
    socket.onmessage = ({ data }) => {
      this.#received.push(data);
      this.#arrival.resolve();
    };
    // A failed connection has a close event too; the error event adds nothing.
    socket.onerror = (event) => event.preventDefault();
    socket.onclose = ({ code, reason }) => {
      this.#opened.reject(new Error(`The connection ended before it was open: ${code} ${reason}`));
      this.#closed.resolve({ code, reason });
    };
    this.#opened.promise.catch(() => {/* a test that expects a refusal awaits closed() */});
  }

  /** Connects and waits until the socket is open; rejects if the server refuses. */
  static async open(url: string, protocols?: string | string[]): Promise<SocketClient> {
    const client = new SocketClient(url, protocols);
    await deadline(client.#opened.promise, PATIENCE_MS);
    return client;
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  send(data: string | ArrayBuffer): void {
    this.#socket.send(data);
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  /** Waits for the next unread message. */
  async next(): Promise<string | ArrayBuffer> {
    for (;;) {
      const message = this.#received.shift();
      if (message !== undefined) return message;
      this.#arrival = Promise.withResolvers();
      await deadline(this.#arrival.promise, PATIENCE_MS);
    }
  }

  /** Returns the unread messages, without waiting. */
  takeAll(): (string | ArrayBuffer)[] {
    return this.#received.splice(0);
  }

  /** Waits for the end of the connection. */
  closed(): Promise<Ending> {
    return deadline(this.#closed.promise, PATIENCE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.closed();
  }
}
