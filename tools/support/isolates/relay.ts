import type { Connection } from "./connection.ts";
import { bytesOfText } from "./request_head.ts";
import { CRASHED, NOT_UPGRADED, type Refusal, refusalBytes } from "./refusal.ts";
import { readHead, writeAll } from "./stream_head.ts";

/** One request on its way. */
export interface RelayedRequest {
  /** What the worker gets first: the head, and what came with it. */
  readonly opening: Uint8Array;
  readonly wantsUpgrade: boolean;
  /** Called once, when the response is complete, as 101 is at once, or when there will be none. */
  readonly onAnswered: () => void;
}

const UP_BYTES = 4_096;
const DOWN_BYTES = 16_384;
/** How long a client may take to end its side when the worker has ended. */
const LINGER_MS = 1_000;

/** Bytes between a client and a worker, both ways, for one request, or one socket. */
export class Relay implements Connection {
  heardAt: number;
  isSocket = false;
  readonly #client: Deno.TcpConn;
  readonly #worker: Deno.TcpConn;
  readonly #now: () => number;
  #hasResponse = false;
  #farewell: Promise<void> | undefined;

  constructor(client: Deno.TcpConn, worker: Deno.TcpConn, now: () => number) {
    this.#client = client;
    this.#worker = worker;
    this.#now = now;
    this.heardAt = now();
    client.setNoDelay();
    worker.setNoDelay();
  }

  /** Relays until both have ended, or it is cut; both connections are closed then. */
  async run({ opening, wantsUpgrade, onAnswered }: RelayedRequest): Promise<void> {
    let isAnswered = false;
    const answer = () => {
      if (!isAnswered) onAnswered();
      isAnswered = true;
    };
    let up = Promise.resolve();
    try {
      await writeAll(this.#worker, opening);
      up = this.#copyUp();
      const refusal = await this.#respond(wantsUpgrade);
      if (refusal) return this.cut(refusal);
      if (this.isSocket) answer();
      await this.#copyDown();
      answer();
      await this.#client.closeWrite();
      await this.#linger(up);
    } catch {
      // One of the two is gone, or it was cut: there is nobody to tell.
      if (!this.#hasResponse) this.cut(CRASHED);
    } finally {
      answer();
      await this.#farewell;
      close(this.#client);
      close(this.#worker);
      await up;
    }
  }

  /** Ends it without a close handshake; a client that has nothing of its response yet gets this one. */
  cut(refusal: Refusal): void {
    if (this.#farewell) return;
    close(this.#worker);
    this.#farewell = this.#hasResponse ? Promise.resolve() : this.#say(refusal);
    this.#hasResponse = true;
    void this.#farewell.then(() => close(this.#client));
  }

  async #say(refusal: Refusal): Promise<void> {
    try {
      await writeAll(this.#client, refusalBytes(refusal));
    } catch {
      // The client is gone.
    }
  }

  /** Passes the head of the response on; or says why it is not. */
  async #respond(wantsUpgrade: boolean): Promise<Refusal | undefined> {
    for (let before: Uint8Array = new Uint8Array(0);;) {
      const head = await readHead(this.#worker, before);
      if (!head) return CRASHED;
      this.heardAt = this.#now();
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head.text)?.[1]);
      if (!(status >= 100)) return CRASHED;
      if (wantsUpgrade && status >= 200) return NOT_UPGRADED;
      const isLast = status === 101 || status >= 200;
      if (isLast) this.#hasResponse = true;
      this.isSocket = status === 101;
      const text = status >= 200 ? lastOnConnection(head.text) : head.text;
      await writeAll(this.#client, bytesOfText(`${text}\r\n\r\n`));
      before = head.rest;
      if (!isLast) continue;
      await writeAll(this.#client, before);
      return undefined;
    }
  }

  async #copyDown(): Promise<void> {
    const buffer = new Uint8Array(DOWN_BYTES);
    for (;;) {
      const read = await this.#worker.read(buffer);
      if (read === null || this.#farewell) return;
      this.heardAt = this.#now();
      await writeAll(this.#client, buffer.subarray(0, read));
    }
  }

  /** Never rejects: when the client is gone the worker is told by the end of its input. */
  async #copyUp(): Promise<void> {
    const buffer = new Uint8Array(UP_BYTES);
    try {
      for (;;) {
        const read = await this.#client.read(buffer);
        if (read === null) break;
        await writeAll(this.#worker, buffer.subarray(0, read));
      }
    } catch {
      // Reset, or cut.
    }
    try {
      await this.#worker.closeWrite();
    } catch {
      // Closed already.
    }
  }

  async #linger(up: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LINGER_MS);
    await Promise.race([up, promise]);
    clearTimeout(timer);
  }
}

/** Deno 2.1.4 does not say that it closes, though it was asked to; a client would try the connection again. */
function lastOnConnection(head: string): string {
  const lines = head.split("\r\n").filter((line) => !/^(connection|keep-alive):/i.test(line));
  return [...lines, "connection: close"].join("\r\n");
}

/** Closes a connection that may be closed. */
export function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
