import { deadline } from "@std/async";
import type { ServerFrame } from "../../../packages/server/src/schemas/server_frames.ts";
import { REALTIME_V1 } from "../../../packages/protocol/subprotocols.ts";
import type { FrameOf } from "../../../tests/support/room_client.ts";
import { HANDSHAKE } from "./raw_request.ts";
import { closeCode, closeFrame, OPCODE } from "./raw_socket.ts";
import { clientFrame, clientFrames, FrameReader } from "./frame_reader.ts";

/** How long a test waits for what a busy server is to do; the machine may be slow and shared. */
export const HOSTILE_PATIENCE_MS = 30_000;

/** How a member connects. */
export interface TcpMemberOptions {
  /** Does not offer `realtime.v1`. */
  readonly plain?: boolean;
  /** Does not read until `resume`. */
  readonly paused?: boolean;
  /** Told of every frame; then they are not kept, and cannot be waited for. */
  readonly onFrame?: (frame: ServerFrame) => void;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * A member of a room over bare TCP: it can stop reading, break off without a close frame, and send what no WebSocket library
 * would; what it sends goes out at once. Answers pings and closes while it reads.
 */
export class TcpMember implements AsyncDisposable {
  readonly #connection: Deno.TcpConn;
  readonly #reader = new FrameReader();
  readonly #isPlain: boolean;
  readonly #onFrame: ((frame: ServerFrame) => void) | undefined;
  readonly #frames: ServerFrame[] = [];
  readonly #ended = Promise.withResolvers<number>();
  #next = 0;
  #arrival = Promise.withResolvers<void>();
  #gate: PromiseWithResolvers<void> | undefined;
  #reading: Promise<void> = Promise.resolve();
  #writing: Promise<void> = Promise.resolve();
  #code = 1006;
  #isOver = false;

  private constructor(connection: Deno.TcpConn, { plain = false, onFrame }: TcpMemberOptions) {
    this.#connection = connection;
    this.#isPlain = plain;
    this.#onFrame = onFrame;
  }

  /** Connects to a room's address and completes the handshake; rejects unless it is answered 101. */
  static async open(url: string, options: TcpMemberOptions = {}): Promise<TcpMember> {
    const { hostname, port, pathname, search } = new URL(url);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    connection.setNoDelay();
    const member = new TcpMember(connection, options);
    const offer = options.plain ? [] : [`Sec-WebSocket-Protocol: ${REALTIME_V1}`];
    const lines = [`GET ${pathname}${search} HTTP/1.1`, "Host: 127.0.0.1", ...HANDSHAKE, ...offer, "", ""];
    try {
      await member.#write(encoder.encode(lines.join("\r\n")));
      await deadline(member.#readHead(), HOSTILE_PATIENCE_MS);
    } catch (error) {
      member.abort();
      throw error;
    }
    if (options.paused) member.pause();
    member.#reading = member.#read();
    return member;
  }

  /** Connects and waits for `welcome`, which must be the first frame. */
  static async join(url: string, options?: TcpMemberOptions): Promise<[TcpMember, FrameOf<"welcome">]> {
    const member = await TcpMember.open(url, options);
    const first = await member.until(() => true, "welcome");
    if (first.type === "welcome") return [member, first];
    throw new Error(`The first frame is ${JSON.stringify(first)}`);
  }

  /** Every frame so far, unless `onFrame` has them. */
  get frames(): readonly ServerFrame[] {
    return this.#frames;
  }

  /** How the connection ended: the server's close code, or 1006 when it broke. Does not come while the member does not read. */
  get ended(): Promise<number> {
    return deadline(this.#ended.promise, HOSTILE_PATIENCE_MS);
  }

  /** Sends a value as JSON. Resolves when it is written. */
  send(value: unknown): Promise<void> {
    return this.sendText(JSON.stringify(value));
  }

  /** Sends text as it is. */
  sendText(text: string): Promise<void> {
    return this.sendFrame(OPCODE.text, encoder.encode(text));
  }

  /** Sends several texts in one piece. */
  sendTexts(texts: readonly string[]): Promise<void> {
    return this.#write(clientFrames(OPCODE.text, texts.map((text) => encoder.encode(text))));
  }

  /** Sends any frame. */
  sendFrame(opcode: number, payload: Uint8Array): Promise<void> {
    return this.#write(clientFrame(opcode, payload));
  }

  /** The next frame that is wanted, beginning after the last one that was waited for; those in between are passed by. */
  async until(isWanted: (frame: ServerFrame) => boolean, what: string): Promise<ServerFrame> {
    const giveUpAt = performance.now() + HOSTILE_PATIENCE_MS;
    for (;;) {
      while (this.#next < this.#frames.length) {
        const frame = this.#frames[this.#next++];
        if (frame && isWanted(frame)) return frame;
      }
      if (this.#isOver) throw new Error(`The connection ended with ${this.#code} before ${what}.`);
      this.#arrival = Promise.withResolvers();
      const left = Math.max(0, giveUpAt - performance.now());
      await deadline(this.#arrival.promise, left).catch((cause: unknown) => {
        const last = JSON.stringify(this.#frames.slice(-5)).slice(0, 2_000);
        throw new Error(`Waited for ${what}; the last frames are ${last}`, { cause });
      });
    }
  }

  /** What answers the frame with this id. */
  answer(id: string): Promise<ServerFrame> {
    return this.until(
      (frame) => frame.type !== "message" && "id" in frame && frame.id === id,
      `the answer to ${id}`,
    );
  }

  /** Sends a frame and waits for what answers it. */
  async request(frame: { readonly id: string } & Record<string, unknown>): Promise<ServerFrame> {
    await this.send(frame);
    return await this.answer(frame.id);
  }

  /** Stops reading. */
  pause(): void {
    this.#gate ??= Promise.withResolvers();
  }

  /** Reads on. */
  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** Breaks the connection off without a close frame. */
  abort(): void {
    this.#end();
    this.resume();
  }

  /** Closes with a code and waits until the server has answered. */
  async close(code: number = 1000): Promise<void> {
    this.resume();
    if (!this.#isOver) {
      const { opcode, payload } = closeFrame(code);
      await this.sendFrame(opcode, payload).catch(() => {/* it ended by itself */});
    }
    await this.ended;
    await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
    await this.#reading;
    await this.#writing.catch(() => {/* whoever sent was told */});
  }

  #write(bytes: Uint8Array): Promise<void> {
    const writing = this.#writing.then(async () => {
      for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
    });
    this.#writing = writing;
    writing.catch(() => {/* whoever sent was told */});
    return writing;
  }

  async #readHead(): Promise<void> {
    const chunk = new Uint8Array(1_024);
    for (;;) {
      const head = this.#reader.takeHead();
      if (head?.startsWith("HTTP/1.1 101 ")) return;
      if (head !== undefined) throw new Error(`The upgrade was answered with ${head}`);
      const read = await this.#connection.read(chunk);
      if (read === null) throw new Error("The connection ended within the head.");
      this.#reader.push(chunk.subarray(0, read));
    }
  }

  async #read(): Promise<void> {
    const chunk = new Uint8Array(16_384);
    try {
      for (;;) {
        await this.#gate?.promise;
        for (let frame = this.#reader.next(); frame && !this.#isOver; frame = this.#reader.next()) {
          this.#take(frame.opcode, frame.payload);
        }
        if (this.#isOver) return;
        const read = await this.#connection.read(chunk);
        if (read === null) return;
        this.#reader.push(chunk.subarray(0, read));
      }
    } catch (error) {
      if (!this.#isOver && !(error instanceof Deno.errors.ConnectionReset)) throw error;
    } finally {
      this.#end();
    }
  }

  #take(opcode: number, payload: Uint8Array): void {
    if (opcode === OPCODE.ping) {
      void this.sendFrame(OPCODE.pong, payload.slice()).catch(() => {/* it ended */});
    }
    if (opcode === OPCODE.close) {
      this.#code = payload.length >= 2 ? closeCode({ opcode, payload }) : 1005;
      this.#answerClose(payload.slice(0, 2));
    }
    if (opcode !== OPCODE.text) return;
    // What the server sends is held against its schemas by RoomClient; here it can be twenty thousand a second.
    const value: ServerFrame | ServerFrame[] = JSON.parse(decoder.decode(payload));
    if (!Array.isArray(value)) return this.#takeFrame(value);
    if (this.#isPlain) throw new Error("A plain client was sent an array.");
    for (const frame of value) this.#takeFrame(frame);
  }

  #takeFrame(frame: ServerFrame): void {
    if (this.#onFrame) return this.#onFrame(frame);
    this.#frames.push(frame);
    this.#arrival.resolve();
  }

  #answerClose(payload: Uint8Array): void {
    const answered = this.sendFrame(OPCODE.close, payload).catch(() => {/* it ended */});
    void answered.then(() => this.#end());
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.close();
    this.#ended.resolve(this.#code);
    this.#arrival.resolve();
  }
}
