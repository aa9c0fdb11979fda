import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { REALTIME_V1 } from "../../packages/protocol/subprotocols.ts";

/** Longest wait for a message, in milliseconds. */
const PATIENCE_MS = 15_000;

/** A room of the follower: its position, and what it has received. */
interface FollowedRoom {
  readonly offsets: number[];
  readonly ids: string[];
  epoch: string;
  connection: string | undefined;
  /** Id of the last join. Messages before its `welcome` repeat what it asked for. */
  joinId: string;
  isJoined: boolean;
}

/**
 * Socket for many rooms that opens again whenever it ends, and resumes each room. Publishes are sent
 * again until they are acked.
 */
export class SharedFollower {
  readonly #url: string;
  readonly #rooms = new Map<string, FollowedRoom>();
  /** Publishes without an ack, in their order. */
  readonly #unacked = new Map<string, Readonly<Record<string, unknown>>>();
  #socket: WebSocket | undefined;
  #ended = Promise.withResolvers<void>();
  #isStopped = false;
  #failure: unknown;
  #change = Promise.withResolvers<void>();
  #lastId = 0;

  constructor(url: string, rooms: readonly string[]) {
    this.#url = url;
    for (const room of rooms) {
      this.#rooms.set(`rooms/${room}`, {
        offsets: [],
        ids: [],
        epoch: "",
        connection: undefined,
        joinId: "",
        isJoined: false,
      });
    }
    this.#connect();
  }

  /** The offsets and ids of a room's messages, as they came. */
  received(room: string): Pick<FollowedRoom, "offsets" | "ids"> {
    return this.#room(`rooms/${room}`);
  }

  /** Publishes; returns the id. */
  publish(room: string, filler: string): string {
    const id = `a-${++this.#lastId}`;
    const frame = { type: "publish", id, room, event: "chat", data: filler };
    this.#unacked.set(id, frame);
    this.#send([frame]);
    return id;
  }

  /** Leaves a room and joins it again, without waiting. */
  rejoin(room: string): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#send([{ type: "leave", id: `l-${++this.#lastId}`, room }, this.#join(`rooms/${room}`)]);
  }

  /** Waits until a room has a message of this offset, and all publishes are acked. */
  async until(room: string, offset: number): Promise<void> {
    const { offsets } = this.#room(`rooms/${room}`);
    const isComplete = () => (offsets.at(-1) ?? 0) >= offset && this.#unacked.size === 0;
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (this.#failure === undefined && !isComplete()) {
      this.#change = Promise.withResolvers();
      await deadline(this.#change.promise, Math.max(0, giveUpAt - performance.now())).catch((cause) => {
        const last = `${offsets.at(-1)} of ${offset}, unacked: ${[...this.#unacked.keys()]}`;
        throw new Error(`Waited for ${room}: ${last}`, { cause });
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Closes the socket for good. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#socket?.close();
    await deadline(this.#ended.promise, PATIENCE_MS);
  }

  #connect(): void {
    const socket = this.#socket = new WebSocket(this.#url, REALTIME_V1);
    socket.onopen = () => {
      this.#send([...this.#rooms.keys()].map((room) => this.#join(room)));
      const frames = [...this.#unacked.values()];
      for (let from = 0; from < frames.length; from += 50) this.#send(frames.slice(from, from + 50));
    };
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onerror = (event) => event.preventDefault();
    socket.onclose = () => {
      if (this.#isStopped) this.#ended.resolve();
      else this.#connect();
    };
  }

  #join(room: string): Readonly<Record<string, unknown>> {
    const followed = this.#room(room);
    const { offsets, epoch, connection } = followed;
    const resume = connection === undefined ? {} : { connection };
    followed.joinId = `j-${++this.#lastId}`;
    followed.isJoined = false;
    return { type: "join", id: followed.joinId, room, after: offsets.at(-1) ?? 0, epoch, ...resume };
  }

  #send(frames: readonly unknown[]): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frames));
  }

  #take(value: unknown): void {
    try {
      for (const one of Array.isArray(value) ? value : [value]) this.#takeFrame(ServerFrame.parse(one));
    } catch (error) {
      this.#failure ??= error;
    }
    this.#change.resolve();
  }

  #takeFrame(frame: ServerFrame): void {
    switch (frame.type) {
      case "welcome": {
        const room = this.#room(frame.room);
        if (frame.id !== room.joinId) return;
        assert(frame.recovered, `A resume missed messages: ${JSON.stringify(frame)}`);
        room.epoch = frame.epoch;
        room.connection = frame.connection;
        room.isJoined = true;
        return;
      }
      case "message": {
        const { offsets, ids, isJoined } = this.#room(frame.room ?? "");
        if (!isJoined) return;
        assertEquals(frame.offset, (offsets.at(-1) ?? 0) + 1, `${frame.room} has a gap or a repetition`);
        offsets.push(frame.offset ?? 0);
        ids.push(frame.id);
        return;
      }
      case "ack":
        return void this.#unacked.delete(frame.id);
      case "error":
        throw new Error(JSON.stringify(frame));
      default:
    }
  }

  #room(room: string): FollowedRoom {
    const found = this.#rooms.get(room);
    assert(found, `a frame of ${room}`);
    return found;
  }
}
