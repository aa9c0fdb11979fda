import { ConnectionStream } from "./connection_stream.ts";
import { type Address, openConnection } from "./open_connection.ts";
import type { TlsOptions } from "./tls.ts";

/** Options of `Sockets`. */
export interface SocketsOptions {
  /** Timeout of a connection attempt with its handshake, in milliseconds. */
  readonly connectMs: number;
  readonly tls: TlsOptions;
}

/** Opens the sockets of one pool of the client library, and closes those that are left. */
export class Sockets {
  /** Open sockets, each with a promise that resolves when it has reported its close. */
  readonly #sockets = new Map<ConnectionStream, Promise<void>>();
  /** Attempts to connect that have not settled. */
  readonly #attempts = new Set<Promise<ConnectionStream>>();
  readonly #options: SocketsOptions;
  readonly #end = new AbortController();

  constructor(options: SocketsOptions) {
    this.#options = options;
  }

  /** Opens a socket, encrypted if the options say so; rejects after `connectMs`. */
  async connect(address: Address): Promise<ConnectionStream> {
    const attempt = this.#attempt(address);
    this.#attempts.add(attempt);
    try {
      return await attempt;
    } finally {
      this.#attempts.delete(attempt);
    }
  }

  /** Destroys the sockets that are left; resolves when all have reported their close. */
  async end(): Promise<void> {
    this.#end.abort();
    await Promise.allSettled(this.#attempts);
    const closed = [...this.#sockets.values()];
    for (const socket of this.#sockets.keys()) socket.destroy();
    await Promise.all(closed);
  }

  async #attempt(address: Address): Promise<ConnectionStream> {
    const { connectMs, tls } = this.#options;
    const attempt = new AbortController();
    const stop = () => attempt.abort(new Error("The connection pool has ended."));
    const timer = setTimeout(
      () => attempt.abort(new Error(`CONNECT_TIMEOUT: no connection within ${connectMs} ms.`)),
      connectMs,
    );
    this.#end.signal.addEventListener("abort", stop);
    if (this.#end.signal.aborted) stop();
    try {
      attempt.signal.throwIfAborted();
      return this.#keep(new ConnectionStream(await openConnection(address, tls, attempt.signal)));
    } finally {
      clearTimeout(timer);
      this.#end.signal.removeEventListener("abort", stop);
    }
  }

  #keep(socket: ConnectionStream): ConnectionStream {
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    this.#sockets.set(socket, closed);
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}
