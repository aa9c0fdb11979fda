import { realtime } from "../../../packages/server/src/http/realtime.ts";
import { roomEndpoint } from "../../../packages/server/src/http/rooms/room_endpoint.ts";
import { authenticate } from "../../../packages/server/src/http/middleware/authenticate.ts";
import {
  supabaseChannels,
  type SupabaseChannelsOptions,
} from "../../../packages/server/src/http/channels/supabase_channels.ts";
import { PUBLISHABLE_KEY } from "./publishable_key.ts";
import { type RunningServer, type StartOptions, startServer } from "../running_server.ts";

/** Variables of a project with that key. */
export const CHANNEL_ENV = {
  SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: PUBLISHABLE_KEY }),
} as const;

/** Creates an app for supabase-js, and with its rooms for own clients: `/channels`, `/private`. */
// deno-lint-ignore explicit-module-boundary-types
export function createChannelApp(options: SupabaseChannelsOptions = {}) {
  return realtime({ authenticate })
    .route("/", supabaseChannels(options))
    .route("/channels", roomEndpoint({ authenticate, name: "realtime" }))
    .route("/private", roomEndpoint({ authenticate, name: "realtime-private" }));
}

/** Serves such an app. */
export async function startChannelServer(
  { env, ...options }: StartOptions = {},
  endpoint: SupabaseChannelsOptions = {},
): Promise<RunningServer> {
  return await startServer({
    app: () => createChannelApp(endpoint),
    ...options,
    env: { ...CHANNEL_ENV, ...env },
  });
}
