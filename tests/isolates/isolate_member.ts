import { assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import { connect, type Gap, type Position, type Room, type RoomMessage } from "../../packages/client/mod.ts";
import { range } from "../backplane/samples.ts";
import type { Deployment } from "./deployment.ts";
import type { Disposables } from "./disposables.ts";
import { TcpProxy } from "./tcp_proxy.ts";

/** Events of the lobby. */
export interface IsolateEvents {
  readonly chat: string;
}

/** Limit of each wait: a server's restart, or a killed isolate's lease and its grace period. */
const PATIENCE_MS = 45_000;

/**
 * Member of the lobby. Connects through a proxy that can move to another isolate, and records
 * received and acked messages. `await using` leaves.
 */
export class IsolateMember implements AsyncDisposable {
  readonly user: string;
  readonly room: Room<IsolateEvents>;
  /** Received messages in the order of arrival. */
  readonly messages: RoomMessage<IsolateEvents>[] = [];
  readonly gaps: Gap[] = [];
  /** Received joins and leaves, in order. */
  readonly presence: string[] = [];
  /** Ids of all connections. */
  readonly connections = new Set<string>();
  /** Acked offsets by text. */
  readonly acked = new Map<string, number>();
  readonly #proxy: TcpProxy;
  #arrival = Promise.withResolvers<void>();

  private constructor(deployment: Deployment, user: string, isolate: number, resume?: Position) {
    this.user = user;
    this.#proxy = TcpProxy.open(deployment.isolate(isolate).process.port);
    this.room = connect<IsolateEvents>(`http://127.0.0.1:${this.#proxy.port}/realtime/rooms/lobby`, {
      token: () => deployment.issuer.token(user),
      retry: { minMs: 5, maxMs: 100 },
      outbox: { limit: 20_000 },
      ...(resume ? { resume } : {}),
    });
    this.room.on("message", (message) => this.#record(() => this.messages.push(message)));
    this.room.on("gap", (gap) => this.#record(() => this.gaps.push(gap)));
    this.room.on("presence", ({ joined, left }) =>
      this.#record(() => {
        this.presence.push(...joined.map(({ user }) => `${user} joined`));
        this.presence.push(...left.map(({ user }) => `${user} left`));
      }));
    this.room.on("state", (state) =>
      this.#record(() => {
        if (state.type === "live") this.connections.add(state.connection);
      }));
  }

  /** Joins through an isolate, or resumes from a position. */
  static async join(
    deployment: Deployment,
    user: string,
    isolate: number,
    resume?: Position,
  ): Promise<IsolateMember> {
    const member = new IsolateMember(deployment, user, isolate, resume);
    try {
      await deadline(member.room.live(), PATIENCE_MS);
      return member;
    } catch (error) {
      await member[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Joins one member per isolate, named by the isolate's number. */
  static async joinAll(deployment: Deployment, disposables: Disposables): Promise<IsolateMember[]> {
    return await Promise.all(deployment.isolates.map(async (_, isolate) => {
      const member = await IsolateMember.join(deployment, `user${isolate}`, isolate);
      return disposables.use(member);
    }));
  }

  get offsets(): number[] {
    return this.messages.map(({ offset }) => offset ?? 0);
  }

  /** Publishes, with retries; resolves with the offset. */
  async publish(text: string): Promise<number> {
    const offset = await deadline(this.room.publish("chat", text, { id: text }), PATIENCE_MS);
    this.acked.set(text, offset);
    return offset;
  }

  /** Publishes numbered messages at once. */
  publishAll(first: number, last: number): Promise<unknown> {
    const all = Promise.all(range(first, last).map((number) => this.publish(`${this.user}-${number}`)));
    // A test that fails before it awaits the publishes has one error, not two.
    all.catch(() => {});
    return all;
  }

  /** Moves to another isolate at once. */
  moveTo(deployment: Deployment, isolate: number): void {
    this.#proxy.redirect(deployment.isolate(isolate).process.port);
  }

  /** Waits for a number of messages. */
  async untilMessages(count: number): Promise<void> {
    await this.#until(
      () => this.messages.length >= count,
      () => `${this.messages.length} of ${count} messages`,
    );
  }

  /** Waits for a presence change such as `bob joined`. */
  async untilPresence(change: string): Promise<void> {
    await this.#until(
      () => this.presence.includes(change),
      () => `${change}, not in ${this.presence.join()}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.room.close();
    await this.#proxy[Symbol.asyncDispose]();
  }

  #record(update: () => void): void {
    update();
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }

  async #until(condition: () => boolean, describe: () => string): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!condition()) {
      const left = Math.max(0, giveUpAt - performance.now());
      await deadline(this.#arrival.promise, left).catch((cause: unknown) => {
        throw new Error(`${this.user} waited too long: ${describe()}`, { cause });
      });
    }
  }
}

/**
 * Asserts that every member received all `count` acked messages exactly once, at the acked offsets,
 * in one order and without a gap. Waits for the messages.
 */
export async function assertConsistent(members: readonly IsolateMember[], count: number): Promise<void> {
  const acked = new Map(members.flatMap((member) => [...member.acked]));
  assertEquals(acked.size, count);
  for (const member of members) {
    await member.untilMessages(count);
    assertEquals(member.offsets, range(1, count), `${member.user}: wrong order, repeated or lost`);
    const received = new Map(member.messages.map(({ data, offset }) => [data, offset]));
    const lost = [...acked].filter(([text, offset]) => received.get(text) !== offset);
    assertEquals(lost, [], `${member.user}: acked but not received`);
    assertEquals(member.gaps, []);
  }
}
