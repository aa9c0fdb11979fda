import { assert } from "@std/assert";
import { deadline } from "@std/async";
import type { TokenOptions } from "../../packages/cli/dev/issuer.ts";
import type { ClientFrame } from "../../packages/server/src/schemas/client_frames.ts";
import { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { REALTIME_V1 } from "../../packages/protocol/subprotocols.ts";
import type { RunningServer } from "./running_server.ts";
import { type Ending, PATIENCE_MS, SocketClient } from "../../tools/support/wire/socket_client.ts";

/** A frame of one type. */
export type FrameOf<Type extends ServerFrame["type"]> = Extract<ServerFrame, { type: Type }>;

/** How a member connects. */
export interface JoinOptions {
  /** `alice` by default. */
  readonly user?: string;
  /** Does not offer `realtime.v1`, as a person at a terminal. */
  readonly plain?: boolean;
  /** The query of the address, beside the token. */
  readonly query?: Readonly<Record<string, string | number>>;
  /** What the token says beside the usual. */
  readonly claims?: NonNullable<TokenOptions["claims"]>;
  /** Where the endpoint is mounted, `/rooms` by default. */
  readonly mount?: string;
}

/** What a publish says beside its data. */
export interface PublishOptions {
  /** One that nobody else uses, by default. */
  readonly id?: string;
  /** `chat` by default. */
  readonly event?: string;
  readonly ephemeral?: boolean;
  readonly to?: { readonly user: string } | { readonly connection: string };
}

let lastId = 0;

/** An id for a frame that no other frame of this test run has. */
export function freshId(): string {
  return `id-${++lastId}`;
}

/** The address of a room for a WebSocket client. */
export async function roomUrl(
  running: RunningServer,
  room: string,
  { user = "alice", query = {}, claims = {}, mount = "/rooms" }: JoinOptions = {},
): Promise<string> {
  const token = await running.issuer.token(user, { claims });
  const parameters = Object.entries({ ...query, token }).map(([name, value]) =>
    `${name}=${encodeURIComponent(value)}`
  );
  return `ws://127.0.0.1:${running.port}/realtime${mount}/${room}?${parameters.join("&")}`;
}

/**
 * A member of a room. Every frame that it receives is held against `ServerFrame`, those that no test asked for too, and a plain
 * client fails when several come in one message. `await using` closes it with 1000.
 */
export class RoomClient implements AsyncDisposable {
  readonly #socket: SocketClient;
  readonly #isPlain: boolean;
  /** Frames that were not asked for yet. */
  readonly #frames: ServerFrame[] = [];
  #welcome: FrameOf<"welcome"> | undefined;

  private constructor(socket: SocketClient, isPlain: boolean) {
    this.#socket = socket;
    this.#isPlain = isPlain;
  }

  /** Connects, and waits until the socket is open; rejects when it is refused. The first frame is still to be asked for. */
  static async connect(
    running: RunningServer,
    room: string,
    options: JoinOptions = {},
  ): Promise<RoomClient> {
    const { plain = false } = options;
    const url = await roomUrl(running, room, options);
    return new RoomClient(await SocketClient.open(url, plain ? undefined : REALTIME_V1), plain);
  }

  /** Connects, and waits for `welcome`, which must be the first frame. What comes after it is still to be asked for. */
  static async join(running: RunningServer, room: string, options: JoinOptions = {}): Promise<RoomClient> {
    const client = await RoomClient.connect(running, room, options);
    const first = await client.take();
    assert(first.type === "welcome", `The first frame is ${JSON.stringify(first)}`);
    client.#welcome = first;
    return client;
  }

  /** What the member was told on joining. */
  get welcome(): FrameOf<"welcome"> {
    assert(this.#welcome, "The member has not joined: use RoomClient.join.");
    return this.#welcome;
  }

  /** The member's connection id. */
  get connection(): string {
    return this.welcome.connection;
  }

  /** The query to resume with after an offset: the last one that the member was told of on joining, by default. */
  resumption(after: number = this.welcome.offset): Readonly<Record<string, string | number>> {
    return { after, epoch: this.welcome.epoch, connection: this.connection };
  }

  /** Sends a frame, or several in one message. */
  send(frames: ClientFrame | readonly ClientFrame[]): void {
    this.sendJson(frames);
  }

  /** Sends any value as JSON. */
  sendJson(value: unknown): void {
    this.sendRaw(JSON.stringify(value));
  }

  /** Sends a message as it is. */
  sendRaw(data: string | ArrayBuffer): void {
    this.#socket.send(data);
  }

  /** Sends a frame and waits for what answers it, an `error` too. */
  async request(frame: ClientFrame): Promise<ServerFrame> {
    this.send(frame);
    return await this.answer(frame.id);
  }

  /** Publishes and waits for the `ack`; rejects when the answer is an `error`. */
  async publish(data: unknown, options: PublishOptions = {}): Promise<FrameOf<"ack">> {
    const answer = await this.request(publishFrame(data, options));
    assert(answer.type === "ack", `A publish was answered with ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Enters presence or changes the state, or leaves with null; waits for the `ack`. */
  async present(state: Record<string, unknown> | null): Promise<FrameOf<"ack">> {
    const answer = await this.request({ type: "presence", id: freshId(), state });
    assert(answer.type === "ack", `A change of presence was answered with ${JSON.stringify(answer)}`);
    return answer;
  }

  /** The next frame of any type that was not asked for yet. */
  async take(): Promise<ServerFrame> {
    return await this.#next(() => true, "a frame");
  }

  /** The next frame of the type; what comes before it can still be asked for. */
  async next<Type extends ServerFrame["type"]>(type: Type): Promise<FrameOf<Type>> {
    return await this.#next((frame): frame is FrameOf<Type> => frame.type === type, type);
  }

  /** What answers the frame with this id. */
  async answer(id: string): Promise<ServerFrame> {
    return await this.#next(
      (frame) => frame.type !== "message" && "id" in frame && frame.id === id,
      `an answer to ${id}`,
    );
  }

  /**
   * All frames that were not asked for yet, up to the answer to a ping that is sent now: everything that the server had for this
   * member by then. For what must not come.
   */
  async takeAll(): Promise<ServerFrame[]> {
    const id = freshId();
    this.send({ type: "ping", id });
    await this.answer(id);
    return this.#frames.splice(0);
  }

  /** The offsets of the next `count` messages. */
  async offsets(count: number): Promise<(number | undefined)[]> {
    const offsets: (number | undefined)[] = [];
    while (offsets.length < count) offsets.push((await this.next("message")).offset);
    return offsets;
  }

  /** Closes with a code, or without one; how it ended is told by `closed`. */
  close(code?: number): void {
    // Without a reason Deno 2.1.4's client leaves out the code too.
    if (code === undefined) this.#socket.close();
    else this.#socket.close(code, "test");
  }

  /** How the connection ends; waits for it. */
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
        // Where it is no guard, Wanted is ServerFrame.
        return frame as Wanted;
      }
      const left = Math.max(0, giveUpAt - performance.now());
      const message = await deadline(this.#socket.next(), left).catch((cause: unknown) => {
        throw new Error(`Waited for ${what}; there is only: ${JSON.stringify(this.#frames)}`, { cause });
      });
      this.#read(message);
    }
  }

  #read(message: string | ArrayBuffer): void {
    assert(typeof message === "string", "The server sent a binary message.");
    const value: unknown = JSON.parse(message);
    assert(!this.#isPlain || !Array.isArray(value), `A plain client was sent an array: ${message}`);
    assert(!Array.isArray(value) || value.length > 1, `An array of ${message} is no use.`);
    for (const one of Array.isArray(value) ? value : [value]) {
      const parsed = ServerFrame.safeParse(one);
      assert(parsed.success, `${JSON.stringify(one)} is no server frame: ${parsed.error?.message}`);
      this.#frames.push(parsed.data);
    }
  }
}

/** A `publish` frame. */
export function publishFrame(
  data: unknown,
  { id = freshId(), event = "chat", ...rest }: PublishOptions = {},
): Extract<ClientFrame, { type: "publish" }> {
  return { type: "publish", id, event, data, ...rest };
}

/** Environment of a service whose members may send as much as they like. */
export const ANY_RATE = { FRAMES_PER_SECOND: "1000000", FRAMES_BURST: "1000000" } as const;
