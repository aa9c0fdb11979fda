import { bytesOfText, formatHead, type HttpResponseHead, parseHttpResponse } from "../wire/http_head.ts";
import { closeQuietly, readHead, writeAll } from "../wire/tcp_connection.ts";
import type { Connection } from "./connection.ts";
import { CRASHED, NOT_UPGRADED, type Refusal, refusalBytes } from "./refusal.ts";

/** A request that a relay carries to a worker. */
interface RelayedRequest {
  /** First bytes for the worker: the head, and the bytes that arrived with it. */
  readonly opening: Uint8Array;
  readonly wantsUpgrade: boolean;
  /** Called once: after the complete response, after a 101, or once no response can follow. */
  readonly onAnswered: () => void;
}

const UP_BYTES = 4_096;
const DOWN_BYTES = 16_384;
/** Limit for a client to end its side after the worker has ended. */
const CLIENT_END_TIMEOUT_MS = 1_000;

/** Copies bytes between a client and a worker, both ways, for one request or one socket. */
export class Relay implements Connection {
  lastActivityAt: number;
  isSocket = false;
  readonly #client: Deno.TcpConn;
  readonly #worker: Deno.TcpConn;
  readonly #now: () => number;
  #hasResponse = false;
  #refusing: Promise<void> | undefined;

  constructor(client: Deno.TcpConn, worker: Deno.TcpConn, now: () => number) {
    this.#client = client;
    this.#worker = worker;
    this.#now = now;
    this.lastActivityAt = now();
    client.setNoDelay();
    worker.setNoDelay();
  }

  /** Relays until both sides have ended or `cut` is called; then both connections are closed. */
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
      await this.#waitForClient(up);
    } catch {
      // The client or the worker is gone, or the relay was cut.
      if (!this.#hasResponse) this.cut(CRASHED);
    } finally {
      answer();
      await this.#refusing;
      closeQuietly(this.#client);
      closeQuietly(this.#worker);
      await up;
    }
  }

  /** Ends both sides without a close frame; a client without a response receives the refusal. */
  cut(refusal: Refusal): void {
    if (this.#refusing) return;
    closeQuietly(this.#worker);
    this.#refusing = this.#hasResponse ? Promise.resolve() : this.#refuse(refusal);
    this.#hasResponse = true;
    void this.#refusing.then(() => closeQuietly(this.#client));
  }

  async #refuse(refusal: Refusal): Promise<void> {
    try {
      await writeAll(this.#client, refusalBytes(refusal));
    } catch {
      // The client is gone.
    }
  }

  /** Forwards the head of the response; returns the refusal if the worker sent none to forward. */
  async #respond(wantsUpgrade: boolean): Promise<Refusal | undefined> {
    for (let before: Uint8Array = new Uint8Array(0);;) {
      const head = await readHead(this.#worker, before);
      if (!head) return CRASHED;
      this.lastActivityAt = this.#now();
      const response = parseHttpResponse(head.text);
      if (!response) return CRASHED;
      const { status } = response;
      if (wantsUpgrade && status >= 200) return NOT_UPGRADED;
      const isLast = status === 101 || status >= 200;
      if (isLast) this.#hasResponse = true;
      this.isSocket = status === 101;
      await writeAll(this.#client, status >= 200 ? lastOnConnection(response) : head.bytes);
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
      if (read === null || this.#refusing) return;
      this.lastActivityAt = this.#now();
      await writeAll(this.#client, buffer.subarray(0, read));
    }
  }

  /** Never rejects: the worker notices a lost client by the end of its input. */
  async #copyUp(): Promise<void> {
    const buffer = new Uint8Array(UP_BYTES);
    try {
      for (;;) {
        const read = await this.#client.read(buffer);
        if (read === null) break;
        await writeAll(this.#worker, buffer.subarray(0, read));
      }
    } catch {
      // The client reset the connection, or the relay was cut.
    }
    try {
      await this.#worker.closeWrite();
    } catch {
      // The worker closed first.
    }
  }

  async #waitForClient(up: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLIENT_END_TIMEOUT_MS);
    await Promise.race([up, promise]);
    clearTimeout(timer);
  }
}

/**
 * Announces the end of the connection. Deno 2.1.4 closes without the header, and a client would
 * send its next request on the same connection.
 */
function lastOnConnection({ statusLine, headers }: HttpResponseHead): Uint8Array {
  const kept = headers.filter(([name]) => !/^(connection|keep-alive)$/i.test(name));
  return bytesOfText(formatHead(statusLine, [...kept, "connection: close"]));
}
