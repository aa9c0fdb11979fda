import { createEndpoint } from "../endpoint.ts";
import { authenticate } from "../middleware/auth.ts";
import { expectWebSocket, upgradeWebSocket } from "../middleware/upgrade.ts";

/** `/echo`: text `x` comes back as `Echo: x`, binary as the same bytes. */
export const echo = createEndpoint().get("/", authenticate, expectWebSocket, (c) =>
  upgradeWebSocket(c, {
    onMessage(socket, data) {
      socket.send(typeof data === "string" ? `Echo: ${data}` : data);
    },
  }));
