import type { ErrorCode } from "../../../packages/protocol/error_codes.ts";
import type { Message, ServerFrame, SharedClientFrame } from "../../../packages/protocol/frames.ts";
import type { WebSocketClass, WebSocketLike } from "../../../packages/client/mod.ts";
import { rest } from "../manual_clock.ts";

type Listener = (event: never) => void;
type Frame = SharedClientFrame;
type JoinFrame = Extract<Frame, { type: "join" }>;
/** Frame of the server in any shape, also one that a real server would not send. */
type Reply = Partial<ServerFrame> & { readonly type: string };

/** A refusal of a join, or the end of a membership. */
export interface Ending {
  readonly code: ErrorCode;
  readonly retryAfterMs?: number;
}

interface StoredRoom {
  readonly messages: Message[];
  readonly offsets: Map<string, number>;
}

const LIMITS = {
  frames_per_second: 1_000,
  frames_burst: 1_000,
  max_frame_bytes: 65_536,
  dedupe_seconds: 300,
  max_rooms: 100,
};

/**
 * A server for `GET /realtime/socket` without a network. Frames of both directions wait in one
 * queue until the test lets them pass, so that a cut can lose them.
 */
export class ScriptedServer {
  /** Every socket that was made, in order. */
  readonly sockets: ScriptedSocket[] = [];
  /** Frames that a client must not send. */
  readonly violations: string[] = [];
  readonly rooms = new Map<string, StoredRoom>();
  /** Refusals of the next joins, by room. */
  readonly refusals = new Map<string, Ending[]>();
  heartbeatMs = 25_000;
  limits: Readonly<Record<string, number>> = LIMITS;
  /** True while sockets open. */
  accepts = true;
  /** True while joins wait for an answer that never comes. */
  ignoresJoins = false;
  /** True while nothing that clients send has an answer. */
  isSilent = false;
  readonly #wire: (() => void)[] = [];

  /** Class whose sockets lead to this server. */
  get WebSocket(): WebSocketClass {
    // deno-lint-ignore no-this-alias
    const server = this;
    return class extends ScriptedSocket {
      constructor(url: string, protocols: string[]) {
        super(server, url, protocols);
      }
    };
  }

  /** Sockets that are open. */
  get open(): ScriptedSocket[] {
    return this.sockets.filter(({ state }) => state === "open");
  }

  /** Every frame that clients sent, in order. */
  get frames(): Frame[] {
    return this.sockets.flatMap(({ received }) => received);
  }

  /** Adds an action to the queue. */
  queue(action: () => void): void {
    this.#wire.push(action);
  }

  /** Lets everything that is under way arrive, with what follows from it. */
  async settle(): Promise<void> {
    await rest();
    for (let action = this.#wire.shift(); action; action = this.#wire.shift()) {
      action();
      await rest();
    }
  }

  /** Returns a room of the store. */
  room(name: string): StoredRoom {
    const room = this.rooms.get(name) ?? { messages: [], offsets: new Map() };
    this.rooms.set(name, room);
    return room;
  }

  /** Stores a message of somebody, and sends it to the members. Returns its offset. */
  publish(name: string, id: string, data: unknown, user = "bob"): number {
    const { messages, offsets } = this.room(name);
    const known = offsets.get(id);
    if (known !== undefined) return known;
    const offset = messages.length + 1;
    const message: Message = { offset, event: "chat", data, from: { user }, id, at: 0 };
    messages.push(message);
    offsets.set(id, offset);
    for (const socket of this.open) {
      if (socket.joined.has(name)) socket.reply({ type: "message", room: name, ...message });
    }
    return offset;
  }

  /** Ends the membership of a room. Returns false if there is none. */
  end(name: string, { code, retryAfterMs }: Ending): boolean {
    const [socket] = this.open;
    if (!socket?.joined.delete(name)) return false;
    socket.wasEnded.add(name);
    socket.reply({
      type: "error",
      room: name,
      ended: true,
      code,
      message: code,
      retry_after_ms: retryAfterMs,
    });
    return true;
  }

  /** Ends the open sockets; what is under way is lost. */
  cut(code = 1006): void {
    for (const socket of this.sockets) if (socket.state !== "closed") socket.end(code);
  }
}

/** A socket of a scripted server. */
export class ScriptedSocket implements WebSocketLike {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly received: Frame[] = [];
  /** WebSocket messages that arrived. */
  messages = 0;
  readonly joined = new Set<string>();
  /** Rooms whose membership the server has ended: frames may be under way to them. */
  readonly wasEnded = new Set<string>();
  /** Rooms that wait for the answer to their `leave`. */
  readonly leaving = new Set<string>();
  state: "connecting" | "open" | "closed" = "connecting";
  readonly #server: ScriptedServer;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(server: ScriptedServer, url: string, protocols: readonly string[]) {
    this.#server = server;
    this.url = url;
    this.protocols = protocols;
    if (server.sockets.some(({ state }) => state !== "closed")) server.violations.push("two sockets");
    server.sockets.push(this);
    server.queue(() => {
      if (this.state !== "connecting") return;
      if (!server.accepts) return this.end(1006);
      this.state = "open";
      this.#emit("open", {});
    });
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...this.#listeners.get(type) ?? [], listener]);
  }

  send(text: string): void {
    this.#server.queue(() => {
      if (this.state !== "open" || this.#server.isSilent) return;
      this.messages++;
      const frames: Frame[] = [JSON.parse(text)].flat();
      for (const frame of frames) this.#take(frame);
    });
  }

  close(code = 1000): void {
    if (this.state !== "closed") this.end(code);
  }

  /** Ends the socket. */
  end(code: number): void {
    this.state = "closed";
    this.#server.queue(() => this.#emit("close", { code, reason: "" }));
  }

  /** Sends frames in one WebSocket message. */
  reply(...frames: readonly Reply[]): void {
    const data = JSON.stringify(frames.length === 1 ? frames[0] : frames);
    this.#server.queue(() => {
      if (this.state === "open") this.#emit("message", { data });
    });
  }

  #emit(type: string, event: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) (listener as (event: unknown) => void)(event);
  }

  #take(frame: Frame): void {
    this.received.push(frame);
    const { id } = frame;
    if (frame.type === "ping") return this.reply({ type: "pong", id });
    if (frame.type === "auth") return this.reply({ type: "authenticated", id, expires_at: 2_000_000_000 });
    if (frame.type === "join") return this.#join(frame);
    const { room } = frame;
    if (!this.joined.has(room)) {
      if (!this.wasEnded.has(room)) this.#server.violations.push(`${frame.type} before a join of ${room}`);
      return this.reply({ type: "error", room, id, code: "not_joined", message: "Join first." });
    }
    switch (frame.type) {
      case "leave":
        this.joined.delete(room);
        this.leaving.add(room);
        // The server cleans up first, and answers then.
        return this.#server.queue(() => {
          this.leaving.delete(room);
          this.reply({ type: "ack", room, id });
        });
      case "publish": {
        if (frame.ephemeral) return this.reply({ type: "ack", room, id });
        const offset = this.#server.publish(room, id, frame.data, "alice");
        return this.reply({ type: "ack", room, id, offset });
      }
      case "presence":
        return this.reply({ type: "ack", room, id });
      case "history":
        return this.reply({ type: "history", room, id, messages: [], more: false });
    }
  }

  #join({ id, room, after, epoch, history = 0 }: JoinFrame): void {
    const server = this.#server;
    if (this.joined.has(room)) server.violations.push(`a second join of ${room}`);
    if (this.leaving.has(room)) server.violations.push(`a join of ${room} before the answer to its leave`);
    if (server.ignoresJoins) return;
    const refusal = server.refusals.get(room)?.shift();
    if (refusal) {
      this.wasEnded.add(room);
      const { code, retryAfterMs } = refusal;
      const error = { type: "error", room, id, ended: true, code, message: code } as const;
      return this.reply({ ...error, retry_after_ms: retryAfterMs });
    }
    this.joined.add(room);
    this.wasEnded.delete(room);
    const { messages } = server.room(room);
    if (epoch !== undefined && epoch !== `epoch of ${room}`) {
      server.violations.push(`the epoch ${epoch} for ${room}`);
    }
    const first = after ?? Math.max(0, messages.length - history);
    this.reply(
      {
        type: "welcome",
        room,
        connection: crypto.randomUUID(),
        user: "alice",
        epoch: `epoch of ${room}`,
        offset: messages.length,
        recovered: after !== undefined,
        expires_at: 2_000_000_000,
        heartbeat_ms: server.heartbeatMs,
        limits: server.limits,
      },
      ...messages.slice(first).map((message) => ({ type: "message", room, ...message }) as const),
      { type: "presence", room, members: [] },
    );
  }
}
