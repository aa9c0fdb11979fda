import { deadline } from "@std/async";
import { encodeGet, HANDSHAKE } from "./raw_request.ts";
import { PATIENCE_MS } from "./socket_client.ts";
import { closeQuietly, writeAll } from "./tcp_connection.ts";
import { openUpgraded, type UpgradedConnection } from "./upgraded_connection.ts";
import { encodeClientFrames, FrameDecoder } from "./websocket_frames.ts";
import { OPCODE, type WireFrame } from "./wire_frame.ts";

export { closeCode, closeFrame, OPCODE, textFrame, type WireFrame as RawFrame } from "./wire_frame.ts";

/**
 * A WebSocket client without automatic behaviour. It reads only when asked, answers no ping or
 * close, and can end the connection within a frame.
 */
export class RawSocket implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #chunk = new Uint8Array(65_536);
  readonly #decoder = new FrameDecoder();
  readonly #frames: WireFrame[] = [];

  private constructor({ connection, rest }: UpgradedConnection) {
    this.#connection = connection;
    this.#decode(rest);
  }

  /** Connects to a `ws:` URL and completes the handshake; rejects unless the response is a 101. */
  static async open(url: string): Promise<RawSocket> {
    return new RawSocket(await openUpgraded(url, { timeoutMs: PATIENCE_MS }));
  }

  /** Sends several frames in one write. */
  async send(...frames: readonly WireFrame[]): Promise<void> {
    await deadline(writeAll(this.#connection, encodeClientFrames(frames)), PATIENCE_MS);
  }

  /** Sends a ping and reads until its pong: the server has received every earlier frame then. */
  async untilTakenIn(): Promise<void> {
    await this.send({ opcode: OPCODE.ping, payload: new Uint8Array(0) });
    for (;;) {
      const frame = await this.read();
      if (frame === null) throw new Error("The connection ended before the pong.");
      if (frame.opcode === OPCODE.pong) return;
    }
  }

  /** Returns the next frame, or null once the connection has ended. */
  async read(): Promise<WireFrame | null> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) return frame;
      const read = await deadline(this.#connection.read(this.#chunk), PATIENCE_MS);
      if (read === null) return null;
      this.#decode(this.#chunk.subarray(0, read));
    }
  }

  /** Ends the connection without a close frame. */
  abort(): void {
    closeQuietly(this.#connection);
  }

  [Symbol.dispose](): void {
    this.abort();
  }

  #decode(chunk: Uint8Array): void {
    for (const { opcode, payload } of this.#decoder.push(chunk)) {
      this.#frames.push({ opcode, payload: payload.slice() });
    }
  }
}

/** Encodes a complete handshake for the target. */
export function requestHead(target: string): Uint8Array {
  return encodeGet(target, HANDSHAKE);
}
