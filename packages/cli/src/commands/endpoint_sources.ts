/** Source of a socket endpoint that checks messages and answers them. */
export function endpointSource(endpoint: string, identifier: string): string {
  return `import { z } from "zod";
import { endpoint, receiveJson, upgradeWebSocket } from "@realtime-edge/server";
import { authenticate } from "../middleware/auth.ts";

/** A message of a client. */
const Message = z.object({ text: z.string().min(1).max(500) });

/** \`/${endpoint}\`: answers each message with its sender. */
export const ${identifier} = endpoint().get(
  "/",
  authenticate,
  upgradeWebSocket(() => ({
    onMessage: receiveJson(Message, (socket, { text }) => {
      socket.sendJson({ text, from: socket.user.id });
    }),
  })),
);
`;
}

/** Source of an endpoint of rooms with events. */
export function roomSource(endpoint: string, identifier: string): string {
  return `import { z } from "zod";
import { roomEndpoint } from "@realtime-edge/server/rooms";
import { authenticate } from "../middleware/auth.ts";

/** \`/${endpoint}/:id\`: rooms with events of your own. */
export const ${identifier} = roomEndpoint({
  authenticate,
  // Stored messages carry the name: another name leaves the history behind.
  name: "${endpoint}",
  events: { chat: z.object({ text: z.string().min(1).max(500) }) },
});
`;
}
