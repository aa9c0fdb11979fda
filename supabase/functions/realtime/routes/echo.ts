import { endpoint, upgradeWebSocket } from "@realtime-edge/server";
import { authenticate } from "../middleware/auth.ts";

/** `/echo`: text `x` comes back as `Echo: x`, binary as the same bytes. */
export const echo = endpoint().get(
  "/",
  authenticate,
  upgradeWebSocket(() => ({
    onMessage(socket, data) {
      socket.send(typeof data === "string" ? `Echo: ${data}` : data);
    },
  })),
);
