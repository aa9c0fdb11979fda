import { soon } from "../../client/runtimes/expectation.ts";
import type { RealtimeChannel } from "./supabase_js.ts";

/** A broadcast as a listener gets it. */
export interface Received {
  readonly type: "broadcast";
  readonly event: string;
  readonly payload: unknown;
  readonly meta?: { readonly id?: string; readonly replayed?: boolean };
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
