import { assert, assertEquals } from "@std/assert";
import type { FrameOf } from "../support/room_client.ts";
import { RoomClient, roomUrl } from "../support/room_client.ts";
import type { RunningServer } from "../support/running_server.ts";
import { Follower } from "./follower.ts";

/** Step of one client. Steps of different clients run concurrently. */
export type DeliveryStep =
  | { readonly do: "connect" | "abort" | "close" | "settle"; readonly client: number }
  /** Connects first if necessary. `kinds` holds true for each durable message. */
  | { readonly do: "publish"; readonly client: number; readonly kinds: readonly boolean[] }
  /** Repeats a publish of the same user; `which` counts from the newest. */
  | { readonly do: "retry"; readonly client: number; readonly which: number };

/** Clients of a run. Two belong to the same user. */
export const CLIENTS = [
  { user: "alice", plain: false, history: undefined },
  { user: "alice", plain: true, history: 3 },
  { user: "bob", plain: true, history: undefined },
  { user: "carol", plain: false, history: 10 },
] as const;

interface PublishFrame {
  readonly type: "publish";
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
  readonly ephemeral?: true;
}

interface Client {
  readonly room: string;
  readonly user: string;
  readonly follower: Follower;
  /** Chain of steps, one after the other. */
  steps: Promise<void>;
}

/** Parameters of a run. */
export interface DeliveryRunOptions {
  /** Prefix of the run's room names. */
  readonly name: string;
  readonly rooms: number;
  /** True if the rooms retain everything. */
  readonly retainsAll: boolean;
}

/** Runs steps in empty rooms, and checks that all clients received consistent messages. */
export class DeliveryRun {
  readonly #running: RunningServer;
  readonly #options: DeliveryRunOptions;
  readonly #clients: readonly Client[];
  /** Sent frames by room and user. */
  readonly #sent = new Map<string, PublishFrame[]>();
  /** Offsets of acks, by room, user and id. */
  readonly #acked = new Map<string, Set<number | undefined>>();
  readonly #errors: FrameOf<"error">[] = [];
  #lastId = 0;

  constructor(running: RunningServer, options: DeliveryRunOptions) {
    this.#running = running;
    this.#options = options;
    this.#clients = CLIENTS.map(({ user, plain, history }, index) => {
      const room = `${options.name}-${index % options.rooms}`;
      const follower = new Follower({
        address: (query) => roomUrl(running, room, { user, query }),
        plain,
        history,
        retainsAll: options.retainsAll,
        onAnswer: (frame) => this.#takeAnswer(`${room} ${user}`, frame),
      });
      return { room, user, follower, steps: Promise.resolve() };
    });
  }

  async run(steps: readonly DeliveryStep[]): Promise<void> {
    try {
      for (const step of steps) {
        const client = this.#client(step.client);
        client.steps = client.steps.then(() => this.#do(step, client));
        // The await below reports a failure; this handler only avoids an unhandled rejection.
        client.steps.catch(() => {});
      }
      await Promise.all(this.#clients.map(({ steps }) => steps));
      for (const room of new Set(this.#clients.map(({ room }) => room))) await this.#checkRoom(room);
    } finally {
      for (const { follower } of this.#clients) await follower.abort();
    }
  }

  async #do(step: DeliveryStep, client: Client): Promise<void> {
    const { follower } = client;
    switch (step.do) {
      case "connect":
        return await follower.connect();
      case "abort":
        return await follower.abort();
      case "close":
        return await follower.close(this.#lastId % 2 ? 1000 : 4000);
      case "settle":
        return await follower.settle();
      case "publish": {
        const frames = step.kinds.map((isDurable) => this.#frame(isDurable, client.user));
        this.#sentBy(client).push(...frames);
        await follower.connect();
        return await follower.send(frames);
      }
      case "retry": {
        const sent = this.#sentBy(client);
        const frame = sent.at(-1 - step.which % Math.max(1, sent.length));
        return await follower.send(frame ? [frame] : []);
      }
      default:
        step satisfies never;
    }
  }

  /** Waits until every client has the marker, the room's last message, and compares all clients. */
  async #checkRoom(room: string): Promise<void> {
    const clients = this.#clients.filter((client) => client.room === room);
    for (const { follower } of clients) {
      await follower.connect();
      await follower.settle();
    }
    await using observer = await RoomClient.join(this.#running, room, {
      user: "observer",
      query: { history: 500 },
    });
    const head = (await observer.publish("marker")).offset ?? 0;
    for (const { follower } of clients) {
      await follower.reach(head);
      await follower.settle();
      follower.check();
      assertEquals(follower.sequence.last, head);
    }
    const log = new Map<number, FrameOf<"message">>();
    for (const frame of await observer.takeAll()) {
      if (frame.type === "message" && frame.offset !== undefined) log.set(frame.offset, frame);
    }
    for (const { follower } of clients) {
      for (const [offset, message] of follower.sequence.messages) {
        const known = log.get(offset);
        if (known) assertEquals(message, known);
        // Older than the observer's history: all clients must have the same message.
        else log.set(offset, message);
      }
    }
    this.#checkLog(room, head, log);
  }

  #checkLog(room: string, head: number, log: ReadonlyMap<number, FrameOf<"message">>): void {
    if (this.#options.retainsAll) assertEquals(log.size, head);
    assertEquals(this.#errors, []);
    const keys = new Map<string, number>();
    for (const [offset, { id, event, data, from }] of log) {
      const key = `${room} ${from.user} ${id}`;
      assert(!keys.has(key), `${key} was stored at the offsets ${keys.get(key)} and ${offset}`);
      keys.set(key, offset);
      if (from.user === "observer") continue;
      const sent = this.#sent.get(`${room} ${from.user}`)?.find((frame) => frame.id === id);
      assertEquals({ event, data, ephemeral: undefined }, {
        event: sent?.event ?? "not sent",
        data: sent?.data,
        ephemeral: sent?.ephemeral,
      });
    }
    for (const [key, offsets] of this.#acked) {
      if (!key.startsWith(`${room} `)) continue;
      assertEquals(offsets.size, 1, `${key} was acked with the offsets ${[...offsets].join(", ")}`);
      const [offset] = offsets;
      if (offset === undefined) assert(!keys.has(key), `${key} is ephemeral but was stored`);
      else if (log.has(offset)) assertEquals(keys.get(key), offset);
    }
  }

  #takeAnswer(room: string, frame: FrameOf<"ack"> | FrameOf<"error">): void {
    if (frame.type === "error") return void this.#errors.push(frame);
    const key = `${room} ${frame.id}`;
    const offsets = this.#acked.get(key) ?? new Set();
    this.#acked.set(key, offsets.add(frame.offset));
  }

  #frame(isDurable: boolean, user: string): PublishFrame {
    const id = `p${++this.#lastId}`;
    return {
      type: "publish",
      id,
      event: `of ${user}`,
      data: { id },
      ...(isDurable ? {} : { ephemeral: true }),
    };
  }

  #sentBy({ room, user }: Client): PublishFrame[] {
    const key = `${room} ${user}`;
    const sent = this.#sent.get(key) ?? [];
    this.#sent.set(key, sent);
    return sent;
  }

  #client(index: number): Client {
    const client = this.#clients[index % this.#clients.length];
    assert(client);
    return client;
  }
}
