import { createApp } from "../../supabase/functions/realtime/app.ts";
import { createEndpoint } from "../../supabase/functions/realtime/endpoint.ts";
import { authenticate } from "../../supabase/functions/realtime/middleware/auth.ts";
import { expectWebSocket, upgradeWebSocket } from "../../supabase/functions/realtime/middleware/upgrade.ts";
import type { SocketHandlers } from "../../supabase/functions/realtime/socket/socket.ts";
import { type RunningService, type StartOptions, startService } from "./running_service.ts";

/** Serves the app with one more endpoint, `/x`, that does with its sockets what `handlers` say. */
export function startSocketEndpoint(
  handlers: SocketHandlers,
  options: Omit<StartOptions, "app"> = {},
): Promise<RunningService> {
  return startService({
    ...options,
    app: ({ services }) =>
      createApp(services).route(
        "/x",
        createEndpoint().get("/", authenticate, expectWebSocket, (c) => upgradeWebSocket(c, handlers)),
      ),
  });
}
