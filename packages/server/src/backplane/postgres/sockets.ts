import { Socket } from "node:net";

/** Where the client library wants to connect to, as it has read it from the address. */
export interface Address {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** A Unix socket in place of them. */
  readonly path: unknown;
}

/**
 * The sockets of one pool of the client library, made here for three reasons. With Deno 2.1.4 an immediate that is cleared in the round in
 * which it is due is run all the same: postgres 3.4.9 then writes to a socket that it has just learned is closed, which ends the
 * process. So it learns that in a round of its own. For the same reason it writes what it has just written, which is nothing any more: that is left out. And what is still connecting when the pool is given up does not stay.
 */
export class Sockets {
  readonly #sockets = new Set<Socket>();
  readonly #connectMs: number;
  #isEnded = false;

  constructor(connectMs: number) {
    this.#connectMs = connectMs;
  }

  /** Connects. */
  async connect({ host, port, path }: Address): Promise<Socket> {
    if (this.#isEnded) throw new Error("The connection was given up.");
    const socket = new LateClosingSocket();
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const connected = Promise.withResolvers<void>();
    const timer = setTimeout(() => connected.reject(new Error("CONNECT_TIMEOUT")), this.#connectMs);
    socket.once("connect", connected.resolve);
    socket.once("error", connected.reject);
    socket.once("close", () => connected.reject(new Error("The connection was closed at once.")));
    try {
      if (typeof path === "string") socket.connect(path);
      else socket.connect(port[0] ?? 5432, host[0] ?? "localhost");
      await connected.promise;
    } catch (error) {
      socket.on("error", () => {/* what it was has been said */});
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      socket.removeListener("error", connected.reject);
    }
    socket.setNoDelay(true);
    leaveOutNothing(socket);
    // The library asks for it when it checks a certificate.
    return Object.assign(socket, { host: host[0] });
  }

  /** Closes those that are left. */
  end(): void {
    this.#isEnded = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}

class LateClosingSocket extends Socket {
  override emit(event: string | symbol, ...rest: unknown[]): boolean {
    if (event !== "close") return super.emit(event, ...rest);
    setTimeout(() => super.emit(event, ...rest), 0);
    return true;
  }
}

/** A write of `null` would throw where nobody catches it. On the socket itself: Node's base class calls no override of a subclass here. */
function leaveOutNothing(socket: Socket): void {
  const write = socket.write.bind(socket);
  Object.assign(socket, {
    write: (...args: Parameters<typeof write>): boolean => args[0] === null ? true : write(...args),
  });
}
