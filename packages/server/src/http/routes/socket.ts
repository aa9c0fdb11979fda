import type { MiddlewareHandler } from "hono";
import type { AppEnv, UserEnv } from "../context.ts";
import { endpoint } from "../endpoint.ts";
import { expectWebSocket, requestUpgrade } from "../middleware/upgrade.ts";
import { createAdmitToRoom } from "../rooms/admit_to_room.ts";

/** `GET /socket`: many rooms on one socket (docs/protocol.md, "Many rooms on one socket"). */
// The return type is what `hc` reads.
// deno-lint-ignore explicit-module-boundary-types
export function socket(authenticate: MiddlewareHandler<AppEnv & UserEnv>) {
  return endpoint().get("/", authenticate, expectWebSocket, (c) => {
    const { rooms } = c.env.deps;
    return requestUpgrade(c, rooms.sharedHandlers(createAdmitToRoom(c)), {
      ownHeartbeat: true,
      queuedFrames: rooms.limits.frames_burst,
    });
  });
}
