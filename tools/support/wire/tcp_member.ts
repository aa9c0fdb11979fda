import { deadline } from "@std/async";
import type { ServerFrame } from "../../../packages/server/src/schemas/server_frames.ts";
import { REALTIME_V1 } from "../../../packages/protocol/subprotocols.ts";
import { closeQuietly, writeAll } from "./tcp_connection.ts";
import { openUpgraded, type UpgradedConnection } from "./upgraded_connection.ts";
import { encodeClientFrame, encodeClientFrames, FrameDecoder } from "./websocket_frames.ts";
import { closeCode, closeFrame, OPCODE, textFrame, type WireFrame } from "./wire_frame.ts";

/** Limit for every wait on a busy server, in milliseconds; the machine may be slow and shared. */
export const HOSTILE_PATIENCE_MS = 30_000;

/** Options of a member. */
export interface TcpMemberOptions {
  /** Does not offer `realtime.v1`. */
  readonly plain?: boolean;
  /** Does not read until `resume`. */
  readonly paused?: boolean;
  /** Receives every frame. The member keeps none then, and `until` finds none. */
  readonly onFrame?: (frame: ServerFrame) => void;
}

type WelcomeFrame = Extract<ServerFrame, { type: "welcome" }>;

const decoder = new TextDecoder();

/**
 * A member of a room over bare TCP. It can stop reading, disconnect without a close frame, and send
 * frames that no WebSocket library would. While it reads, it answers pings and closes.
 */
export class TcpMember implements AsyncDisposable {
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new FrameDecoder();
  readonly #isPlain: boolean;
  readonly #onFrame: ((frame: ServerFrame) => void) | undefined;
  readonly #frames: ServerFrame[] = [];
  readonly #ended = Promise.withResolvers<number>();
  readonly #reading: Promise<void>;
  #next = 0;
  #arrival = Promise.withResolvers<void>();
  /** Settles at `resume`; undefined while the member reads. */
  #pause: PromiseWithResolvers<void> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #code = 1006;
  #isClosed = false;

  private constructor({ connection, rest }: UpgradedConnection, options: TcpMemberOptions) {
    this.#connection = connection;
    this.#isPlain = options.plain ?? false;
    this.#onFrame = options.onFrame;
    if (options.paused) this.pause();
    this.#reading = this.#read(rest);
  }

  /** Connects to a room's URL and completes the handshake; rejects unless the response is a 101. */
  static async open(url: string, options: TcpMemberOptions = {}): Promise<TcpMember> {
    const headerLines = options.plain ? [] : [`Sec-WebSocket-Protocol: ${REALTIME_V1}`];
    const upgraded = await openUpgraded(url, { headerLines, timeoutMs: HOSTILE_PATIENCE_MS });
    return new TcpMember(upgraded, options);
  }

  /** Connects and waits for `welcome`, which has to be the first frame. */
  static async join(url: string, options?: TcpMemberOptions): Promise<[TcpMember, WelcomeFrame]> {
    const member = await TcpMember.open(url, options);
    const first = await member.until(() => true, "welcome");
    if (first.type === "welcome") return [member, first];
    throw new Error(`Expected welcome as the first frame, received ${JSON.stringify(first)}.`);
  }

  /** Frames received so far; empty with `onFrame`. */
  get frames(): readonly ServerFrame[] {
    return this.#frames;
  }

  /** Close code of the server, or 1006 without one. A paused member does not notice the end. */
  get ended(): Promise<number> {
    return deadline(this.#ended.promise, HOSTILE_PATIENCE_MS);
  }

  /** Sends a value as JSON; resolves once the kernel has taken all bytes. */
  send(value: unknown): Promise<void> {
    return this.sendText(JSON.stringify(value));
  }

  /** Sends a text frame. */
  sendText(text: string): Promise<void> {
    return this.sendTexts([text]);
  }

  /** Sends several text frames in one write. */
  sendTexts(texts: readonly string[]): Promise<void> {
    return this.#write(encodeClientFrames(texts.map(textFrame)));
  }

  /** Sends a final frame of any opcode. */
  sendFrame(opcode: number, payload: Uint8Array): Promise<void> {
    return this.#write(encodeClientFrame(opcode, payload));
  }

  /** Returns the next matching frame behind the one returned last, and skips the frames between. */
  async until(matches: (frame: ServerFrame) => boolean, what: string): Promise<ServerFrame> {
    const giveUpAt = performance.now() + HOSTILE_PATIENCE_MS;
    for (;;) {
      while (this.#next < this.#frames.length) {
        const frame = this.#frames[this.#next++];
        if (frame && matches(frame)) return frame;
      }
      if (this.#isClosed) throw new Error(`The connection ended with ${this.#code} before ${what}.`);
      this.#arrival = Promise.withResolvers();
      const left = Math.max(0, giveUpAt - performance.now());
      await deadline(this.#arrival.promise, left).catch((cause: unknown) => {
        const last = JSON.stringify(this.#frames.slice(-5)).slice(0, 2_000);
        throw new Error(`Waited for ${what}; the last frames are ${last}`, { cause });
      });
    }
  }

  /** Waits for the answer to the frame with this id. */
  answer(id: string): Promise<ServerFrame> {
    return this.until(
      (frame) => frame.type !== "message" && "id" in frame && frame.id === id,
      `the answer to ${id}`,
    );
  }

  /** Sends a frame and waits for its answer. */
  async request<Frame extends { readonly id: string }>(frame: Frame): Promise<ServerFrame> {
    await this.send(frame);
    return await this.answer(frame.id);
  }

  /** Stops reading before the next chunk. */
  pause(): void {
    this.#pause ??= Promise.withResolvers();
  }

  /** Continues to read. */
  resume(): void {
    this.#pause?.resolve();
    this.#pause = undefined;
  }

  /** Disconnects without a close frame. */
  abort(): void {
    this.#end();
    this.resume();
  }

  /** Closes with a code and waits for the answer of the server. */
  async close(code: number = 1000): Promise<void> {
    this.resume();
    if (!this.#isClosed) {
      const { opcode, payload } = closeFrame(code);
      await this.sendFrame(opcode, payload).catch(() => {/* the server closed first */});
    }
    await this.ended;
    await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
    await this.#reading;
    await this.#writing.catch(() => {/* the caller of the failed write knows */});
  }

  #write(bytes: Uint8Array): Promise<void> {
    const writing = this.#writing.then(() => writeAll(this.#connection, bytes));
    this.#writing = writing;
    writing.catch(() => {/* the caller of the failed write knows */});
    return writing;
  }

  async #read(rest: Uint8Array): Promise<void> {
    const chunk = new Uint8Array(16_384);
    try {
      for (let received = rest;;) {
        await this.#pause?.promise;
        for (const frame of this.#decoder.push(received)) {
          if (this.#isClosed) return;
          this.#take(frame);
        }
        if (this.#isClosed) return;
        const read = await this.#connection.read(chunk);
        if (read === null) return;
        received = chunk.subarray(0, read);
      }
    } catch (error) {
      if (!this.#isClosed && !(error instanceof Deno.errors.ConnectionReset)) throw error;
    } finally {
      this.#end();
    }
  }

  #take({ opcode, payload }: WireFrame): void {
    if (opcode === OPCODE.ping) {
      void this.sendFrame(OPCODE.pong, payload).catch(() => {/* the connection ended */});
    }
    if (opcode === OPCODE.close) {
      this.#code = payload.length >= 2 ? closeCode({ opcode, payload }) : 1005;
      this.#answerClose(payload.subarray(0, 2));
    }
    if (opcode !== OPCODE.text) return;
    // RoomClient validates frames against the schemas; here 20,000 frames may arrive per second.
    const value: ServerFrame | ServerFrame[] = JSON.parse(decoder.decode(payload));
    if (!Array.isArray(value)) return this.#takeFrame(value);
    if (this.#isPlain) throw new Error("A member without realtime.v1 received an array of frames.");
    for (const frame of value) this.#takeFrame(frame);
  }

  #takeFrame(frame: ServerFrame): void {
    if (this.#onFrame) return this.#onFrame(frame);
    this.#frames.push(frame);
    this.#arrival.resolve();
  }

  #answerClose(payload: Uint8Array): void {
    const answered = this.sendFrame(OPCODE.close, payload).catch(() => {/* the connection ended */});
    void answered.then(() => this.#end());
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeQuietly(this.#connection);
    this.#ended.resolve(this.#code);
    this.#arrival.resolve();
  }
}
