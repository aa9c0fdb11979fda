import { encodeClientFrame, FrameReader, Opcode } from "./frames.ts";

const HANDSHAKE_LIMIT_BYTES = 8_192;

/**
 * A WebSocket client on bare TCP: costs so little that the measured server is what a core is busy with.
 *
 * Answers pings at any time. Does not check the server's accept key.
 */
export class RawSocket {
  /** Called with the length of every text or binary message from the server. */
  onMessage: (payloadBytes: number) => void = () => {};
  /** Settles when the connection has ended; rejects when the server ended it on its own. */
  readonly ended: Promise<void>;
  readonly #connection: Deno.TcpConn;
  #closing = false;

  private constructor(connection: Deno.TcpConn, rest: Uint8Array) {
    this.#connection = connection;
    this.ended = this.#read(rest);
    this.ended.catch(() => {}); // whoever needs it awaits it
  }

  /**
   * Connects and waits for the 101.
   *
   * @throws {Error} with the status line and the body's beginning when the server answers anything else.
   */
  static async connect(url: URL): Promise<RawSocket> {
    const connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
    try {
      connection.setNoDelay(true);
      const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
      const request = `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n` +
        `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\n` +
        `Sec-WebSocket-Version: 13\r\n\r\n`;
      await connection.write(new TextEncoder().encode(request));
      return new RawSocket(connection, await readHandshake(connection));
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Sends an already encoded client frame. */
  send(frame: Uint8Array): void {
    this.#connection.write(frame).catch(() => {}); // a broken connection shows in `ended`
  }

  /** Sends a close frame and waits for the server to end the connection. */
  async close(): Promise<void> {
    this.#closing = true;
    this.send(encodeClientFrame(Opcode.close, new Uint8Array([0x03, 0xe8])));
    await this.ended;
  }

  async #read(rest: Uint8Array): Promise<void> {
    const reader = new FrameReader((opcode, payload) => {
      if (opcode === Opcode.text || opcode === Opcode.binary) this.onMessage(payload.length);
      else if (opcode === Opcode.ping) this.send(encodeClientFrame(Opcode.pong, payload));
      else if (opcode === Opcode.close && !this.#closing) {
        throw new Error(`the server closed: ${new TextDecoder().decode(payload.subarray(2))}`);
      }
    });
    const buffer = new Uint8Array(4_096);
    try {
      reader.push(rest);
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null) break;
        reader.push(buffer.subarray(0, count));
      }
      if (!this.#closing) throw new Error("the server ended the connection");
    } finally {
      this.#connection.close();
    }
  }
}

/** Reads up to the end of a 101's headers; returns what came after them. */
async function readHandshake(connection: Deno.TcpConn): Promise<Uint8Array> {
  const buffer = new Uint8Array(HANDSHAKE_LIMIT_BYTES);
  let length = 0;
  for (;;) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) throw new Error("the server ended the connection in the handshake");
    length += count;
    const text = new TextDecoder("latin1").decode(buffer.subarray(0, length));
    const end = text.indexOf("\r\n\r\n");
    if (end === -1) continue;
    if (!text.startsWith("HTTP/1.1 101")) throw new Error(`no upgrade: ${text.slice(0, 600)}`);
    return buffer.subarray(end + 4, length);
  }
}
