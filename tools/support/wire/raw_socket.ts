import { deadline } from "@std/async";
import { HANDSHAKE } from "./raw_request.ts";
import { PATIENCE_MS } from "./socket_client.ts";

/** A frame as it came over the wire. */
export interface RawFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/**
 * A WebSocket client that does only what it is told: it does not read while nobody asks, does not answer a close or a ping,
 * and can end the connection in the middle of anything.
 */
export class RawSocket implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #chunk = new Uint8Array(65_536);
  #bytes: Uint8Array = new Uint8Array(0);

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to such as `ws://127.0.0.1:1/realtime/x?token=…` and completes the handshake; rejects unless it is answered 101. */
  static async open(url: string): Promise<RawSocket> {
    const { hostname, port, pathname, search } = new URL(url);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    // Otherwise a ping would wait for the answer to what was sent before it.
    connection.setNoDelay();
    const socket = new RawSocket(connection);
    try {
      await socket.#write(requestHead(pathname + search));
      const head = await socket.#readHead();
      if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`The upgrade was answered with ${head}`);
      return socket;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Sends several frames in one piece. */
  async send(...frames: readonly RawFrame[]): Promise<void> {
    await this.#write(concat(frames.map(maskedFrame)));
  }

  /** Sends a ping and reads until its pong: then the server has taken in everything that was sent before. */
  async untilTakenIn(): Promise<void> {
    await this.send({ opcode: OPCODE.ping, payload: new Uint8Array(0) });
    for (;;) {
      const frame = await this.read();
      if (frame === null) throw new Error("The connection ended before the pong.");
      if (frame.opcode === OPCODE.pong) return;
    }
  }

  /** The next frame, or null when the connection has ended. */
  async read(): Promise<RawFrame | null> {
    for (;;) {
      const frame = this.#takeFrame();
      if (frame) return frame;
      if (!await this.#readMore()) return null;
    }
  }

  /** Ends the connection without a close frame. */
  abort(): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.abort();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await deadline(this.#connection.write(bytes.subarray(sent)), PATIENCE_MS);
    }
  }

  async #readMore(): Promise<boolean> {
    const read = await deadline(this.#connection.read(this.#chunk), PATIENCE_MS);
    if (read === null) return false;
    this.#bytes = concat([this.#bytes, this.#chunk.slice(0, read)]);
    return true;
  }

  async #readHead(): Promise<string> {
    for (;;) {
      const text = new TextDecoder().decode(this.#bytes);
      const end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        this.#bytes = this.#bytes.slice(end + 4);
        return text.slice(0, end);
      }
      if (!await this.#readMore()) throw new Error(`The connection ended within the head: ${text}`);
    }
  }

  #takeFrame(): RawFrame | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const short = view.getUint8(1) & 0x7f;
    const headLength = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < headLength) return undefined;
    const length = short === 126 ? view.getUint16(2) : short === 127 ? Number(view.getBigUint64(2)) : short;
    if (bytes.length < headLength + length) return undefined;
    this.#bytes = bytes.subarray(headLength + length);
    return { opcode: view.getUint8(0) & 0x0f, payload: bytes.slice(headLength, headLength + length) };
  }
}

export function textFrame(text: string): RawFrame {
  return { opcode: OPCODE.text, payload: new TextEncoder().encode(text) };
}

export function closeFrame(code: number): RawFrame {
  return { opcode: OPCODE.close, payload: new Uint8Array([code >> 8, code & 0xff]) };
}

/** The code in a close frame. */
export function closeCode({ payload }: RawFrame): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint16(0);
}

/** A complete handshake for the target, as bytes. */
export function requestHead(target: string): Uint8Array {
  const lines = [`GET ${target} HTTP/1.1`, "Host: 127.0.0.1", ...HANDSHAKE, "", ""];
  return new TextEncoder().encode(lines.join("\r\n"));
}

/** As a client must send it; the mask is zero, so that the payload goes as it is. */
function maskedFrame({ opcode, payload }: RawFrame): Uint8Array {
  const { length } = payload;
  const head = new DataView(new ArrayBuffer(length < 126 ? 6 : length < 65_536 ? 8 : 14));
  head.setUint8(0, 0x80 | opcode);
  head.setUint8(1, 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127));
  if (length >= 65_536) head.setBigUint64(2, BigInt(length));
  else if (length >= 126) head.setUint16(2, length);
  return concat([new Uint8Array(head.buffer), payload]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
