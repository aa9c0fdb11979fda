import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";

/**
 * Connection as the stream that the client library needs. Two of its rules are the library's:
 *
 * - Deno 2.1.4 runs an immediate even if it is cleared in the event-loop round in which it is due.
 *   postgres 3.4.9 then writes to a socket that it has just learned is closed, which ends the
 *   process. The stream therefore reports its close in a later round.
 * - For the same reason postgres writes its buffer a second time, when the buffer is already null.
 *   The stream ignores that write.
 */
export class ConnectionStream extends Duplex {
  readonly #connection: Deno.Conn;
  readonly #buffer = new Uint8Array(65_536);
  #reading = Promise.resolve();

  constructor(connection: Deno.Conn) {
    super({ allowHalfOpen: false });
    this.#connection = connection;
  }

  /** State that the library checks before it says goodbye to the server. */
  get readyState(): "open" | "closed" {
    return this.destroyed ? "closed" : "open";
  }

  override write(...args: unknown[]): boolean {
    return args[0] === null || Reflect.apply(super.write, this, args);
  }

  override emit(event: string | symbol, ...rest: unknown[]): boolean {
    if (event !== "close") return super.emit(event, ...rest);
    setTimeout(() => super.emit(event, ...rest), 0);
    return true;
  }

  override _read(): void {
    this.#reading = this.#readOnce();
  }

  async #readOnce(): Promise<void> {
    try {
      const size = await this.#connection.read(this.#buffer);
      if (!this.destroyed) this.push(size === null ? null : Buffer.from(this.#buffer.subarray(0, size)));
    } catch (error) {
      this.destroy(asError(error));
    }
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    void this.#writeAll(chunk).then(() => done(), (error) => done(asError(error)));
  }

  async #writeAll(chunk: Uint8Array): Promise<void> {
    for (let sent = 0; sent < chunk.length;) sent += await this.#connection.write(chunk.subarray(sent));
  }

  override _final(done: () => void): void {
    void this.#connection.closeWrite().then(done, () => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#connection.close();
    // The close ends a pending read; nothing of it is left behind when the caller goes on.
    void this.#reading.then(() => done(error));
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
