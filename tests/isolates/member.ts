import { assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import { connect, type Gap, type Position, type Room, type RoomMessage } from "../../packages/client/mod.ts";
import { range } from "../backplane/samples.ts";
import type { Deployment } from "./deployment.ts";
import type { Owned } from "./owned.ts";
import { TcpProxy } from "./tcp_proxy.ts";

/** What the members say. */
export interface Said {
  readonly said: string;
}

/** A server's restart, the lease of a killed isolate and its members' grace, on a machine that may be busy. */
const PATIENCE_MS = 45_000;

/**
 * Somebody in the lobby, by a way that can be led to another isolate, who keeps an account of what came and of what was acked.
 * `await using` leaves.
 */
export class Member implements AsyncDisposable {
  readonly user: string;
  readonly room: Room<Said>;
  /** All that came, in the order of its arrival. */
  readonly messages: RoomMessage<Said>[] = [];
  readonly gaps: Gap[] = [];
  /** Who joined and left, in the order in which it was told. */
  readonly presence: string[] = [];
  /** The connections that there were. */
  readonly connections = new Set<string>();
  /** What was acked, by what was said. */
  readonly acked = new Map<string, number>();
  readonly #way: TcpProxy;
  #arrival = Promise.withResolvers<void>();

  private constructor(deployment: Deployment, user: string, isolate: number, resume?: Position) {
    this.user = user;
    this.#way = TcpProxy.open(deployment.isolate(isolate).process.port);
    this.room = connect<Said>(`http://127.0.0.1:${this.#way.port}/realtime/rooms/lobby`, {
      token: () => deployment.issuer.token(user),
      retry: { minMs: 5, maxMs: 100 },
      outbox: { limit: 20_000 },
      ...(resume ? { resume } : {}),
    });
    this.room.on("message", (message) => this.#note(() => this.messages.push(message)));
    this.room.on("gap", (gap) => this.#note(() => this.gaps.push(gap)));
    this.room.on("presence", ({ joined, left }) =>
      this.#note(() => {
        this.presence.push(...joined.map(({ user }) => `${user} joined`));
        this.presence.push(...left.map(({ user }) => `${user} left`));
      }));
    this.room.on("state", (state) =>
      this.#note(() => {
        if (state.type === "live") this.connections.add(state.connection);
      }));
  }

  /** Joins by an isolate, after a position when there is one. */
  static async join(
    deployment: Deployment,
    user: string,
    isolate: number,
    resume?: Position,
  ): Promise<Member> {
    const member = new Member(deployment, user, isolate, resume);
    try {
      await deadline(member.room.live(), PATIENCE_MS);
      return member;
    } catch (error) {
      await member[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** One member for each isolate, named by its number. */
  static async joinAll(deployment: Deployment, owned: Owned): Promise<Member[]> {
    return await Promise.all(deployment.isolates.map(async (_, isolate) => {
      const member = await Member.join(deployment, `user${isolate}`, isolate);
      return owned.use(member);
    }));
  }

  get offsets(): number[] {
    return this.messages.map(({ offset }) => offset ?? 0);
  }

  /** Publishes, as often as it takes; resolves when it is stored. */
  async publish(said: string): Promise<number> {
    const offset = await deadline(this.room.publish("said", said, { id: said }), PATIENCE_MS);
    this.acked.set(said, offset);
    return offset;
  }

  /** Publishes what has these numbers, all at once. */
  async publishAll(first: number, last: number): Promise<void> {
    await Promise.all(range(first, last).map((number) => this.publish(`${this.user}-${number}`)));
  }

  /** From now on, and at once, this isolate is the one that answers. */
  moveTo(deployment: Deployment, isolate: number): void {
    this.#way.lead(deployment.isolate(isolate).process.port);
  }

  /** Waits until so many messages have come. */
  async untilMessages(count: number): Promise<void> {
    await this.#until(
      () => this.messages.length >= count,
      () => `${this.messages.length} of ${count} messages`,
    );
  }

  /** Waits until this was said of somebody's presence. */
  async untilPresence(told: string): Promise<void> {
    await this.#until(() => this.presence.includes(told), () => `${told}, not in ${this.presence.join()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.room.close();
    await this.#way[Symbol.asyncDispose]();
  }

  #note(note: () => void): void {
    note();
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }

  async #until(holds: () => boolean, describe: () => string): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!holds()) {
      const left = Math.max(0, giveUpAt - performance.now());
      await deadline(this.#arrival.promise, left).catch((cause: unknown) => {
        throw new Error(`${this.user} waited: ${describe()}`, { cause });
      });
    }
  }
}

/**
 * Holds the members' accounts against each other: what was acked came to everybody exactly once, where the ack says, in one order
 * without holes, and nobody was told of a gap. Waits until all of `count` messages have come.
 */
export async function balance(members: readonly Member[], count: number): Promise<void> {
  const acked = new Map(members.flatMap((member) => [...member.acked]));
  assertEquals(acked.size, count);
  for (const member of members) {
    await member.untilMessages(count);
    assertEquals(member.offsets, range(1, count), `${member.user}: out of order, twice or lost`);
    const came = new Map(member.messages.map(({ data, offset }) => [data, offset]));
    const lost = [...acked].filter(([said, offset]) => came.get(said) !== offset);
    assertEquals(lost, [], `${member.user}: acked, and not there`);
    assertEquals(member.gaps, []);
  }
}
