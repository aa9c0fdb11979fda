import { assert } from "@std/assert";
import { deadline } from "@std/async";
import type { TokenOptions } from "../../packages/cli/dev/issuer.ts";
import type { ClientFrame } from "../../packages/server/src/schemas/client_frames.ts";
import { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { REALTIME_V1 } from "../../packages/protocol/subprotocols.ts";
import type { RunningServer } from "./running_server.ts";
import { type Ending, PATIENCE_MS, SocketClient } from "../../tools/support/wire/socket_client.ts";

/** Frame of one type. */
export type FrameOf<Type extends ServerFrame["type"]> = Extract<ServerFrame, { type: Type }>;

/** Options of a member's connection. */
export interface JoinOptions {
  /** `alice` by default. */
  readonly user?: string;
  /** True for a client that does not offer `realtime.v1`. */
  readonly plain?: boolean;
  /** Query of the address, in addition to the token. */
  readonly query?: Readonly<Record<string, string | number>>;
  /** Additional claims of the token. */
  readonly claims?: NonNullable<TokenOptions["claims"]>;
  /** Token to use instead of a fresh one of `user`. */
  readonly token?: string;
  /** Path of the endpoint, `/rooms` by default. */
  readonly mount?: string;
}

/** Fields of a publish besides its data. */
export interface PublishOptions {
  /** A unique id by default. */
  readonly id?: string;
  /** `chat` by default. */
  readonly event?: string;
  readonly ephemeral?: boolean;
  readonly to?: { readonly user: string } | { readonly connection: string };
  readonly exclude?: "self";
  readonly key?: string;
  readonly ack?: boolean;
}

let lastId = 0;

/** Creates an id that is unique in the test run. */
export function freshId(): string {
  return `id-${++lastId}`;
}

/** Builds the address of a room for a WebSocket client. */
export async function roomUrl(
  running: RunningServer,
  room: string,
  { user = "alice", query = {}, claims = {}, mount = "/rooms", token: given }: JoinOptions = {},
): Promise<string> {
  const token = given ?? await running.issuer.token(user, { claims });
  const parameters = Object.entries({ ...query, token }).map(([name, value]) =>
    `${name}=${encodeURIComponent(value)}`
  );
  return `ws://127.0.0.1:${running.port}/realtime${mount}/${room}?${parameters.join("&")}`;
}

/**
 * Member of a room. Checks every received frame against `ServerFrame`, even those that no test
 * takes. A plain client fails if it receives an array. `await using` closes it with 1000.
 */
export class RoomClient implements AsyncDisposable {
  readonly #socket: SocketClient;
  readonly #isPlain: boolean;
  /** Received frames that no test has taken yet. */
  readonly #frames: ServerFrame[] = [];
  #welcome: FrameOf<"welcome"> | undefined;

  private constructor(socket: SocketClient, isPlain: boolean) {
    this.#socket = socket;
    this.#isPlain = isPlain;
  }

  /** Connects and waits until the socket is open; rejects on a refusal. Takes no frame. */
  static async connect(
    running: RunningServer,
    room: string,
    options: JoinOptions = {},
  ): Promise<RoomClient> {
    const { plain = false } = options;
    const url = await roomUrl(running, room, options);
    return new RoomClient(await SocketClient.open(url, plain ? undefined : REALTIME_V1), plain);
  }

  /** Connects and takes `welcome`, which must be the first frame. */
  static async join(running: RunningServer, room: string, options: JoinOptions = {}): Promise<RoomClient> {
    const client = await RoomClient.connect(running, room, options);
    const first = await client.take();
    assert(first.type === "welcome", `The first frame is ${JSON.stringify(first)}`);
    client.#welcome = first;
    return client;
  }

  /** First frame of the connection. */
  get welcome(): FrameOf<"welcome"> {
    assert(this.#welcome, "The member has not joined: use RoomClient.join.");
    return this.#welcome;
  }

  /** Id of the member's connection. */
  get connection(): string {
    return this.welcome.connection;
  }

  /** Query of a resume after an offset, by default that of `welcome`. */
  resumption(after: number = this.welcome.offset): Readonly<Record<string, string | number>> {
    return { after, epoch: this.welcome.epoch, connection: this.connection };
  }

  /** Sends a frame, or several as one array. */
  send(frames: ClientFrame | readonly ClientFrame[]): void {
    this.sendJson(frames);
  }

  /** Sends any value as JSON. */
  sendJson(value: unknown): void {
    this.sendRaw(JSON.stringify(value));
  }

  /** Sends a raw message. */
  sendRaw(data: string | ArrayBuffer): void {
    this.#socket.send(data);
  }

  /** Sends a frame and waits for its answer, which may be an `error`. */
  async request(frame: ClientFrame): Promise<ServerFrame> {
    this.send(frame);
    return await this.answer(frame.id);
  }

  /** Publishes and waits for the `ack`; rejects on an `error`. */
  async publish(data: unknown, options: PublishOptions = {}): Promise<FrameOf<"ack">> {
    const answer = await this.request(publishFrame(data, options));
    assert(answer.type === "ack", `A publish was answered with ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Enters presence, changes the state, or leaves with null; waits for the `ack`. */
  async present(state: Record<string, unknown> | null): Promise<FrameOf<"ack">> {
    const answer = await this.request({ type: "presence", id: freshId(), state });
    assert(answer.type === "ack", `A change of presence was answered with ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Takes the next frame of any type. */
  async take(): Promise<ServerFrame> {
    return await this.#next(() => true, "a frame");
  }

  /** Takes the next frame of the type; earlier frames of other types stay. */
  async next<Type extends ServerFrame["type"]>(type: Type): Promise<FrameOf<Type>> {
    return await this.#next((frame): frame is FrameOf<Type> => frame.type === type, type);
  }

  /** Takes the answer to the frame with this id. */
  async answer(id: string): Promise<ServerFrame> {
    return await this.#next(
      (frame) => frame.type !== "message" && "id" in frame && frame.id === id,
      `an answer to ${id}`,
    );
  }

  /**
   * Takes all frames up to the answer to a ping: everything that the server has sent to this member
   * by then. Shows that a frame has not been sent.
   */
  async takeAll(): Promise<ServerFrame[]> {
    const id = freshId();
    this.send({ type: "ping", id });
    await this.answer(id);
    return this.#frames.splice(0);
  }

  /** Takes the next `count` messages; returns their offsets. */
  async offsets(count: number): Promise<(number | undefined)[]> {
    const offsets: (number | undefined)[] = [];
    while (offsets.length < count) offsets.push((await this.next("message")).offset);
    return offsets;
  }

  /** Closes with a code, or without one. `closed` resolves with the result. */
  close(code?: number): void {
    // Without a reason, Deno 2.1.4's client omits the code too.
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

  async #next<Wanted extends ServerFrame>(
    isWanted: ((frame: ServerFrame) => frame is Wanted) | ((frame: ServerFrame) => boolean),
    what: string,
  ): Promise<Wanted> {
    let seen = 0;
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      for (; seen < this.#frames.length; seen++) {
        const frame = this.#frames[seen];
        if (!frame || !isWanted(frame)) continue;
        this.#frames.splice(seen, 1);
        // If isWanted is no type guard, Wanted is ServerFrame.
        return frame as Wanted;
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
    for (const one of Array.isArray(value) ? value : [value]) {
      const parsed = ServerFrame.safeParse(one);
      assert(parsed.success, `${JSON.stringify(one)} is not a server frame: ${parsed.error?.message}`);
      this.#frames.push(parsed.data);
    }
  }
}

/** Creates a `publish` frame. */
export function publishFrame(
  data: unknown,
  { id = freshId(), event = "chat", ...rest }: PublishOptions = {},
): Extract<ClientFrame, { type: "publish" }> {
  return { type: "publish", id, event, data, ...rest };
}

/** Environment of a server without frame limits. */
export const ANY_RATE = {
  FRAMES_PER_SECOND: "1000000",
  FRAMES_BURST: "1000000",
  JOINS_BURST: "1000000",
  ISOLATE_JOINS_PER_SECOND: "1000000",
} as const;
