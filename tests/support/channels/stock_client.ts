// deno-lint-ignore no-import-prefix -- the function imports supabase-js, not the root; same version here
import * as supabase from "npm:@supabase/supabase-js@2.119.1";
import { deadline } from "@std/async";
import { PUBLISHABLE_KEY } from "./channel_server.ts";

export type RealtimeChannel = supabase.RealtimeChannel;

/** Options of a stock client. */
export interface StockOptions {
  /** The publishable key by default. */
  readonly apikey?: string;
  readonly vsn?: "1.0.0" | "2.0.0";
  readonly accessToken?: () => Promise<string | null>;
  readonly path?: string;
}

/** Limit for an answer of the server, refusals included. */
const ANSWER_MS = 12_000;

/** A Realtime client from npm, as its users have it. `await using` disconnects it. */
export class StockClient implements AsyncDisposable {
  readonly realtime: supabase.RealtimeClient;

  constructor(server: { readonly port: number }, options: StockOptions = {}) {
    const { apikey = PUBLISHABLE_KEY, vsn, accessToken, path = "" } = options;
    this.realtime = new supabase.RealtimeClient(`ws://127.0.0.1:${server.port}/realtime${path}`, {
      params: { apikey },
      ...(vsn === undefined ? {} : { vsn }),
      ...(accessToken === undefined ? {} : { accessToken }),
      reconnectAfterMs: () => 50,
    });
  }

  /** Subscribes a channel, and resolves with its first state: `SUBSCRIBED` or another. */
  async subscribe(
    channel: RealtimeChannel,
  ): Promise<{ readonly status: string; readonly error?: Error | undefined }> {
    const { promise, resolve } = Promise.withResolvers<{ status: string; error?: Error | undefined }>();
    channel.subscribe((status, error) => resolve({ status, error }));
    return await deadline(promise, ANSWER_MS);
  }

  /** Joins a channel; rejects unless it is subscribed. */
  async join(name: string, config: supabase.RealtimeChannelOptions["config"] = {}): Promise<JoinedChannel> {
    const channel = this.realtime.channel(name, { config });
    const joined = new JoinedChannel(channel);
    const { status, error } = await this.subscribe(channel);
    if (status !== "SUBSCRIBED") throw new Error(`${name}: ${status} ${error?.message}`);
    return joined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.realtime.removeAllChannels();
    await this.realtime.disconnect();
  }
}

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

  /** Waits until something holds; rejects after the time limit. */
  async until(holds: () => boolean, patienceMs: number = 5_000): Promise<void> {
    const giveUpAt = performance.now() + patienceMs;
    while (!holds()) {
      const left = Math.max(0, giveUpAt - performance.now());
      await deadline(this.#arrival.promise, left).catch((cause: unknown) => {
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
