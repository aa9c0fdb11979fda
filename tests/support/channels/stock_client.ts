// deno-lint-ignore no-import-prefix -- the function imports supabase-js, not the root; same version here
import * as supabase from "npm:@supabase/supabase-js@2.119.1";
import { deadline } from "@std/async";
import { PUBLISHABLE_KEY } from "./publishable_key.ts";
import type { ChannelConfig, RealtimeChannel } from "./supabase_js.ts";
import { firstState, JoinedChannel, type Subscription } from "./joined_channel.ts";

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
  async subscribe(channel: RealtimeChannel): Promise<Subscription> {
    return await deadline(firstState(channel), ANSWER_MS);
  }

  /** Joins a channel; rejects unless it is subscribed. */
  async join(name: string, config: ChannelConfig = {}): Promise<JoinedChannel> {
    return await JoinedChannel.join(this.realtime.channel(name, { config }), (one) => this.subscribe(one));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.realtime.removeAllChannels();
    await this.realtime.disconnect();
  }
}
