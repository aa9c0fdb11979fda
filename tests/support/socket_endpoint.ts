import { endpoint } from "../../packages/server/src/http/endpoint.ts";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { upgradeWebSocket } from "../../packages/server/src/http/middleware/upgrade.ts";
import type { SocketHandlers } from "../../packages/server/src/socket/socket.ts";
import { createApp, type RunningServer, type StartOptions, startServer } from "./running_server.ts";

/** Serves the app with an additional socket endpoint, `/x`, with these handlers. */
export function startSocketEndpoint(
  handlers: SocketHandlers,
  options: Omit<StartOptions, "app"> = {},
): Promise<RunningServer> {
  return startServer({
    ...options,
    app: () => createApp().route("/x", endpoint().get("/", authenticate, upgradeWebSocket(() => handlers))),
  });
}
