import type { Context, Hono } from "hono";
import { createLazy } from "../../lazy.ts";
import { lazyHandlers } from "../../rooms/lazy_handlers.ts";
import type { AppEnv, UserEnv } from "../context.ts";
import { endpoint } from "../endpoint.ts";
import { limitBody } from "../middleware/limit_body.ts";
import { limitRequests } from "../middleware/rate_limits.ts";
import { expectWebSocket, requestUpgrade } from "../middleware/upgrade.ts";
import { permitReservedPaths } from "../reserved_paths.ts";
import { describe } from "../openapi/describe.ts";
import { BATCH, BROADCAST, SOCKET } from "./channel_descriptions.ts";
import { answerForSupabase } from "./channel_errors.ts";
import { provideKeyUser } from "./key_user.ts";

/** Options of the endpoint for supabase-js clients. */
export interface SupabaseChannelsOptions {
  /** True to refuse public channels: every channel then needs the permission of `ROOM_POLICY`. */
  readonly privateOnly?: boolean;
}

/** Code that the first response does not need. */
const code = createLazy(() => import("../../channels/channels.ts"));

/** Paths in front of `/websocket` and `/api/broadcast`, by how users write the address. */
const BASES = ["", "/socket", "/v1", "/realtime/v1"] as const;
/** Largest message of a client. A broadcast that is too large below it is answered. */
const MAX_FRAME_BYTES = 4_194_304;
/** Largest body of a request. */
const MAX_BODY_BYTES = 1_048_576;

/**
 * Creates the endpoint that unmodified supabase-js Realtime clients use: broadcast and presence,
 * public and private channels, broadcast over HTTP (docs/supabase-js.md). Mount it at `/`.
 *
 * @example
 * export const app = realtime({ authenticate })
 *   .route("/", supabaseChannels());
 */
export function supabaseChannels({ privateOnly = false }: SupabaseChannelsOptions = {}): Hono<AppEnv> {
  const app = endpoint();
  app.onError(answerForSupabase);
  for (const base of BASES) {
    app.get(`${base}/websocket`, describe(SOCKET), provideKeyUser("socket"), expectWebSocket, (c) => {
      const version = c.req.query("vsn") ?? "1.0.0";
      if (version !== "1.0.0" && version !== "2.0.0") {
        return c.json({ error: "Unsupported vsn. Send vsn=1.0.0 or vsn=2.0.0." }, 400);
      }
      const { deps } = c.env;
      const handlers = lazyHandlers(
        code,
        ({ channelHandlers }) => channelHandlers({ version, privateOnly }, deps),
      );
      return requestUpgrade(c, handlers, { subprotocols: [], maxFrameBytes: MAX_FRAME_BYTES });
    });
    const rest = [provideKeyUser("http"), limitRequests, limitBody(() => MAX_BODY_BYTES)] as const;
    app.post(`${base}/api/broadcast`, describe(BATCH), ...rest, async (c: Context<AppEnv & UserEnv>) => {
      const { broadcastBatch } = await import("./rest_broadcast.ts");
      return await broadcastBatch(c);
    });
    app.post(
      `${base}/api/broadcast/:topic/events/:event`,
      describe(BROADCAST),
      ...rest,
      async (c: Context<AppEnv & UserEnv>) => {
        const { broadcastOne } = await import("./rest_broadcast.ts");
        return await broadcastOne(c, c.req.param("topic") ?? "", c.req.param("event") ?? "");
      },
    );
  }
  return permitReservedPaths(app);
}
