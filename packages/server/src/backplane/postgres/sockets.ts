import { Socket } from "node:net";

/** Target of a connection, as the client library parsed it from the URL. */
export interface Address {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** Path of a Unix socket; replaces host and port. */
  readonly path: unknown;
}

/**
 * Creates the sockets of one pool of the client library, for three reasons:
 *
 * - Deno 2.1.4 runs an immediate even if it is cleared in the event-loop round in which it is due.
 *   postgres 3.4.9 then writes to a socket that it has just learned is closed, which ends the
 *   process. The sockets therefore report their close in a later round.
 * - For the same reason postgres writes its buffer a second time, when the buffer is already null.
 *   The sockets ignore that write.
 * - Sockets that are still connecting when the pool ends are destroyed with it.
 */
export class Sockets {
  /** Open sockets, each with a promise that resolves when it has reported its close. */
  readonly #sockets = new Map<Socket, Promise<void>>();
  readonly #connectMs: number;
  #isEnded = false;

  constructor(connectMs: number) {
    this.#connectMs = connectMs;
  }

  /** Opens a socket; rejects after `connectMs`. */
  async connect({ host, port, path }: Address): Promise<Socket> {
    if (this.#isEnded) throw new Error("The connection pool has ended.");
    const socket = new LateClosingSocket();
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    this.#sockets.set(socket, closed);
    socket.once("close", () => this.#sockets.delete(socket));
    const connected = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => connected.reject(new Error(`CONNECT_TIMEOUT: no connection within ${this.#connectMs} ms.`)),
      this.#connectMs,
    );
    socket.once("connect", connected.resolve);
    socket.once("error", connected.reject);
    socket.once("close", () => connected.reject(new Error("The server closed the connection immediately.")));
    try {
      if (typeof path === "string") socket.connect(path);
      else socket.connect(port[0] ?? 5432, host[0] ?? "localhost");
      await connected.promise;
    } catch (error) {
      socket.on("error", () => {/* the rejection has reported it */});
      socket.destroy();
      // Its close comes in a later round; nothing of it is left behind when the caller goes on.
      await closed;
      throw error;
    } finally {
      clearTimeout(timer);
      socket.removeListener("error", connected.reject);
    }
    socket.setNoDelay(true);
    ignoreNullWrites(socket);
    // The client library reads `host` when it verifies the certificate.
    return Object.assign(socket, { host: host[0] });
  }

  /** Destroys the sockets that are left; resolves when all have reported their close. */
  async end(): Promise<void> {
    this.#isEnded = true;
    const closed = [...this.#sockets.values()];
    for (const socket of this.#sockets.keys()) socket.destroy();
    await Promise.all(closed);
  }
}

class LateClosingSocket extends Socket {
  override emit(event: string | symbol, ...rest: unknown[]): boolean {
    if (event !== "close") return super.emit(event, ...rest);
    setTimeout(() => super.emit(event, ...rest), 0);
    return true;
  }
}

/**
 * Makes `write(null)` a no-op: its exception would be uncaught. The override is on the socket
 * itself, because Node's base class does not call a subclass's `write` here.
 */
function ignoreNullWrites(socket: Socket): void {
  const write = socket.write.bind(socket);
  Object.assign(socket, {
    write: (...args: Parameters<typeof write>): boolean => args[0] === null ? true : write(...args),
  });
}
