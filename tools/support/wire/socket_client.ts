import { deadline } from "@std/async";

/** How long a test waits for something that should happen at once. */
export const PATIENCE_MS = 5_000;

/** How a connection ended. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket client that queues what it receives, so that a test can ask for one message after the other. */
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
    // A failed connection ends with a close event too; the error event adds nothing.
    socket.onerror = (event) => event.preventDefault();
    socket.onclose = ({ code, reason }) => {
      this.#opened.reject(new Error(`The connection ended before it was open: ${code} ${reason}`));
      this.#closed.resolve({ code, reason });
    };
    this.#opened.promise.catch(() => {/* a test that expects a refusal looks at closed() */});
  }

  /** Connects and waits until the socket is open; rejects when it is refused. */
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

  /** The next message that was not asked for yet. */
  async next(): Promise<string | ArrayBuffer> {
    for (;;) {
      const message = this.#received.shift();
      if (message !== undefined) return message;
      this.#arrival = Promise.withResolvers();
      await deadline(this.#arrival.promise, PATIENCE_MS);
    }
  }

  /** The messages that have arrived and were not asked for yet. */
  takeAll(): (string | ArrayBuffer)[] {
    return this.#received.splice(0);
  }

  /** How the connection ends; waits for it. */
  closed(): Promise<Ending> {
    return deadline(this.#closed.promise, PATIENCE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.closed();
  }
}
