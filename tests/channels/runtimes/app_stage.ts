import { soon } from "../../client/runtimes/expectation.ts";
import { Stage, type TokenKind } from "../../client/runtimes/stage.ts";
import { firstState, JoinedChannel, type Subscription } from "../../support/channels/joined_channel.ts";
import { PUBLISHABLE_KEY } from "../../support/channels/publishable_key.ts";
import type {
  ChannelConfig,
  RealtimeChannel,
  SupabaseClient,
  SupabaseJs,
} from "../../support/channels/supabase_js.ts";

/** Path of the stage's room, for clients of the rooms protocol. */
export const STAGE_ROOM = "/realtime/private/r";

/** A server, a network that can fail, and applications of users. */
export interface AppStage {
  readonly stage: Stage;
  /** Opens the application of a user who has signed in. */
  open(user: string, kind?: TokenKind): Promise<App>;
  close(): Promise<void>;
}

/** An application with supabase-js. */
export class App {
  readonly #supabase: SupabaseClient;

  constructor(supabase: SupabaseClient) {
    this.#supabase = supabase;
  }

  channel(name: string, config: ChannelConfig = {}): RealtimeChannel {
    return this.#supabase.channel(name, { config });
  }

  /** Subscribes a channel, and resolves with its first state. */
  async subscribe(name: string, config?: ChannelConfig): Promise<Subscription> {
    return await subscribed(this.channel(name, config));
  }

  /** Subscribes a channel that records what it gets. @throws {Error} if that is refused */
  async join(name: string, config?: ChannelConfig): Promise<JoinedChannel> {
    return await JoinedChannel.join(this.channel(name, config), subscribed);
  }

  async close(): Promise<void> {
    await this.#supabase.removeAllChannels();
  }
}

/** Opens the stage at an address for applications with a client. */
export async function openAppStage(
  { createClient, RealtimeClient }: SupabaseJs,
  address: string,
): Promise<AppStage> {
  const stage = new Stage(address);
  const url = (await stage.where()).proxied.replace("/private/r", "");
  const apps: App[] = [];
  return {
    stage,
    async open(user, kind) {
      const supabase = createClient(new URL(url).origin, PUBLISHABLE_KEY, {
        // Applications of several users are in one page here.
        auth: { storageKey: crypto.randomUUID(), persistSession: false },
      });
      supabase.realtime = new RealtimeClient(url.replace("http", "ws"), {
        params: { apikey: PUBLISHABLE_KEY },
        accessToken: () => stage.token(user, kind),
      });
      await supabase.realtime.setAuth();
      const app = new App(supabase);
      apps.push(app);
      return app;
    },
    async close() {
      await Promise.all(apps.map((app) => app.close()));
    },
  };
}

async function subscribed(channel: RealtimeChannel): Promise<Subscription> {
  return await soon(firstState(channel), "the channel's first state");
}
