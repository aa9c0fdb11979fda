import { soon } from "../../client/runtimes/expectation.ts";
import type { RealtimeChannel } from "./supabase_js.ts";

/** A broadcast as a listener gets it. */
export interface Received {
  readonly type: "broadcast";
  readonly event: string;
  readonly payload: unknown;
  readonly meta?: { readonly id?: string; readonly replayed?: boolean };
}

/** The first state of a channel: `SUBSCRIBED` or another. */
export interface Subscription {
  readonly status: string;
  readonly error?: Error | undefined;
}

/** Subscribes a channel, and resolves with its first state. */
export async function firstState(channel: RealtimeChannel): Promise<Subscription> {
  const { promise, resolve } = Promise.withResolvers<Subscription>();
  channel.subscribe((status, error) => resolve({ status, error }));
  return await promise;
}

/** A channel that records what its listeners get. */
export class JoinedChannel {
  readonly channel: RealtimeChannel;
  readonly received: Received[] = [];
  /** Events of presence: `sync`, `join KEY`, `leave KEY`. */
  readonly presence: string[] = [];
  #arrival = Promise.withResolvers<void>();

  constructor(channel: RealtimeChannel) {
    this.channel = channel;
    channel.on(
      "broadcast",
      { event: "*" },
      (message) => this.#add(() => this.received.push(message as unknown as Received)),
    );
    channel.on("presence", { event: "sync" }, () => this.#add(() => this.presence.push("sync")));
    channel.on(
      "presence",
      { event: "join" },
      ({ key }) => this.#add(() => this.presence.push(`join ${key}`)),
    );
    channel.on(
      "presence",
      { event: "leave" },
      ({ key }) => this.#add(() => this.presence.push(`leave ${key}`)),
    );
  }

  /**
   * Subscribes a channel that records what it gets.
   * @throws {Error} as a rejection, if that is refused
   */
  static async join(
    channel: RealtimeChannel,
    subscribe: (channel: RealtimeChannel) => Promise<Subscription>,
  ): Promise<JoinedChannel> {
    const joined = new JoinedChannel(channel);
    const { status, error } = await subscribe(channel);
    if (status !== "SUBSCRIBED") throw new Error(`${channel.subTopic}: ${status} ${error?.message}`);
    return joined;
  }

  /** Sends a broadcast, and resolves with the client's answer. */
  async send(event: string, payload: unknown, extra: Record<string, unknown> = {}): Promise<string> {
    return await this.channel.send({ type: "broadcast", event, payload, ...extra } as never);
  }

  /** Waits until something holds. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await soon(this.#arrival.promise, String(holds)).catch((cause: unknown) => {
        const seen = JSON.stringify({ received: this.received, presence: this.presence });
        throw new Error(`Waited for ${holds}; there is ${seen}`, { cause });
      });
    }
  }

  /** Waits for a number of broadcasts, and returns all of them. */
  async untilReceived(count: number): Promise<readonly Received[]> {
    await this.until(() => this.received.length >= count);
    return this.received;
  }

  #add(add: () => void): void {
    add();
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }
}
