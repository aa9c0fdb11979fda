import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { REALTIME_V1 } from "../../packages/protocol/subprotocols.ts";
import { type Ending, PATIENCE_MS, SocketClient } from "../../tools/support/wire/socket_client.ts";
import { type FrameOf, freshId } from "./room_client.ts";
import type { RunningServer } from "./running_server.ts";

/** Options of a socket for many rooms. */
export interface SharedOptions {
  /** `alice` by default. */
  readonly user?: string;
  /** True for a client that does not offer `realtime.v1`. */
  readonly plain?: boolean;
  /** Token to use instead of a fresh one of `user`. */
  readonly token?: string;
}

/** Fields of a client's frame, without its id. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Socket for many rooms. Checks every received frame against `ServerFrame`. A plain client fails if
 * it receives an array. `await using` closes it with 1000.
 */
export class SharedClient implements AsyncDisposable {
  readonly #socket: SocketClient;
  readonly #isPlain: boolean;
  readonly #frames: ServerFrame[] = [];
  /** Number of frames in each WebSocket message so far. */
  readonly framesOfMessages: number[] = [];

  private constructor(socket: SocketClient, isPlain: boolean) {
    this.#socket = socket;
    this.#isPlain = isPlain;
  }

  /** Connects; rejects on a refusal. */
  static async connect(running: RunningServer, options: SharedOptions = {}): Promise<SharedClient> {
    const { user = "alice", plain = false } = options;
    const token = options.token ?? await running.issuer.token(user);
    const url = `ws://127.0.0.1:${running.port}/realtime/socket?token=${encodeURIComponent(token)}`;
    return new SharedClient(await SocketClient.open(url, plain ? undefined : REALTIME_V1), plain);
  }

  /** Received frames that no test has taken. */
  get rest(): readonly ServerFrame[] {
    return this.#frames;
  }

  /** Sends a frame, or several in one array. */
  send(frame: Fields | readonly Fields[]): void {
    this.sendRaw(JSON.stringify(frame));
  }

  /** Sends text. */
  sendRaw(text: string): void {
    this.#socket.send(text);
  }

  /** Sends a frame with a fresh id, and takes its answer: the first frame with that id. */
  async ask(frame: Fields): Promise<ServerFrame> {
    const id = freshId();
    this.send({ id, ...frame });
    return await this.answer(id);
  }

  /** Joins a room and takes its `welcome`. */
  async join(room: string, fields: Fields = {}): Promise<FrameOf<"welcome">> {
    const id = String(fields["id"] ?? freshId());
    this.send({ type: "join", room, ...fields, id });
    const canonical = room.includes("/") ? room : `rooms/${room}`;
    const first = await this.#next(
      (frame) => "room" in frame && frame.room === canonical && isOf(frame, id),
      `welcome of ${room}`,
    );
    assert(first.type === "welcome", `The first frame of ${room} is ${JSON.stringify(first)}`);
    return first;
  }

  /** Joins a room that refuses. */
  async refusedJoin(room: string, fields: Fields = {}): Promise<FrameOf<"error">> {
    const answer = await this.ask({ type: "join", room, ...fields });
    assert(answer.type === "error", `${room} answered ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Leaves a room. */
  async leave(room: string): Promise<void> {
    const answer = await this.ask({ type: "leave", room });
    assertEquals(answer.type, "ack", JSON.stringify(answer));
  }

  /** Publishes in a room and takes the ack. */
  async publish(room: string, data: unknown, fields: Fields = {}): Promise<FrameOf<"ack">> {
    const answer = await this.ask({ type: "publish", room, event: "chat", data, ...fields });
    assert(answer.type === "ack", `${room} answered ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Takes the next frame. */
  async take(): Promise<ServerFrame> {
    return await this.#next(() => true, "a frame");
  }

  /** Takes the next frame of this type, of one room if it is given. */
  async next<Type extends ServerFrame["type"]>(type: Type, room?: string): Promise<FrameOf<Type>> {
    const frame = await this.#next(
      (frame) => frame.type === type && (room === undefined || ("room" in frame && frame.room === room)),
      room === undefined ? type : `${type} of ${room}`,
    );
    return frame as FrameOf<Type>;
  }

  /** Takes the answer to the frame with this id. */
  async answer(id: string): Promise<ServerFrame> {
    return await this.#next(
      (frame) => frame.type !== "message" && "id" in frame && frame.id === id,
      `an answer to ${id}`,
    );
  }

  /** Takes all frames up to the answer to a ping: everything that the server has sent by then. */
  async takeAll(): Promise<ServerFrame[]> {
    const id = freshId();
    this.send({ type: "ping", id });
    await this.answer(id);
    return this.#frames.splice(0);
  }

  /** Closes with a code, or without one. */
  close(code?: number): void {
    if (code === undefined) this.#socket.close();
    else this.#socket.close(code, "test");
  }

  /** Waits for the end of the connection. */
  closed(): Promise<Ending> {
    return this.#socket.closed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
    for (const message of this.#socket.takeAll()) this.#read(message);
  }

  async #next(isWanted: (frame: ServerFrame) => boolean, what: string): Promise<ServerFrame> {
    let seen = 0;
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      for (; seen < this.#frames.length; seen++) {
        const frame = this.#frames[seen];
        if (!frame || !isWanted(frame)) continue;
        this.#frames.splice(seen, 1);
        return frame;
      }
      const left = Math.max(0, giveUpAt - performance.now());
      const message = await deadline(this.#socket.next(), left).catch((cause: unknown) => {
        throw new Error(`Waited for ${what}; received only ${JSON.stringify(this.#frames)}`, { cause });
      });
      this.#read(message);
    }
  }

  #read(message: string | ArrayBuffer): void {
    assert(typeof message === "string", "The server sent a binary message.");
    const value: unknown = JSON.parse(message);
    assert(!this.#isPlain || !Array.isArray(value), `A plain client received an array: ${message}`);
    assert(!Array.isArray(value) || value.length > 1, `An array must hold at least two frames: ${message}`);
    const frames: unknown[] = Array.isArray(value) ? value : [value];
    this.framesOfMessages.push(frames.length);
    for (const one of frames) {
      const parsed = ServerFrame.safeParse(one);
      assert(parsed.success, `${JSON.stringify(one)} is not a server frame: ${parsed.error?.message}`);
      this.#frames.push(parsed.data);
    }
  }
}

/** True for the first frame of a room after the join with this id. */
function isOf(frame: ServerFrame, id: string): boolean {
  return (frame.type === "welcome" || frame.type === "error") && frame.id === id;
}
