import { realtime } from "@realtime-edge/server";
import { supabaseChannels } from "@realtime-edge/server/supabase";
import { authenticate } from "./middleware/auth.ts";
import { echo } from "./routes/echo.ts";
import { rooms } from "./routes/rooms.ts";

/**
 * Every endpoint on one line. `/health`, `/whoami`, `/metrics` and `/openapi.json` are built in.
 */
export const app = realtime({ authenticate })
  .route("/echo", echo)
  .route("/rooms", rooms)
  // For `supabase.channel()` of supabase-js. Delete the line if no client of yours uses it.
  .route("/", supabaseChannels());

/** The app's type, for Hono's client: `hc<App>(url)`. */
export type App = typeof app;
