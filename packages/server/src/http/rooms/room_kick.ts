import type { EvictionTarget } from "../../rooms/eviction/eviction_command.ts";
import { endpoint } from "../endpoint.ts";
import { limitBody } from "../middleware/limit_body.ts";
import { logOperator } from "../middleware/log_operator.ts";
import { limitRequests } from "../middleware/rate_limits.ts";
import { secretKey } from "../middleware/secret_key.ts";
import { validateLazily } from "../middleware/validate.ts";
import { kickBody } from "./lazy_schemas.ts";
import { roomAddress } from "./validate_address.ts";

/** Creates `POST /:id/kick` of an endpoint of rooms (docs/protocol.md, "For operators"). */
// The return type is the endpoint's routes, which `hc<App>()` reads.
// deno-lint-ignore explicit-module-boundary-types
export function createRoomKick({ name }: { readonly name: string }) {
  return endpoint().post(
    "/:id/kick",
    secretKey,
    limitRequests,
    roomAddress,
    limitBody(),
    validateLazily("json", kickBody),
    async (c) => {
      const room = `${name}/${c.req.valid("param").id}`;
      const { user, connection = "", reason } = c.req.valid("json");
      const target: EvictionTarget = user === undefined ? { connection } : { user };
      logOperator(c, "kick", { room, ...target });
      await c.env.deps.evictions.kick(room, target, reason);
      return c.json({}, 202);
    },
  );
}
