import { endpoint } from "../endpoint.ts";
import { limitBody } from "../middleware/limit_body.ts";
import { logOperator } from "../middleware/log_operator.ts";
import { limitRequests } from "../middleware/rate_limits.ts";
import { secretKey } from "../middleware/secret_key.ts";
import { validateLazily } from "../middleware/validate.ts";

/**
 * Routes of operators (docs/protocol.md, "For operators"): `GET /rooms` lists the rooms with
 * members in this isolate; `POST /disconnect` closes a user's connections on every isolate.
 */
export const operators = endpoint()
  .get("/rooms", secretKey, limitRequests, validateLazily("query", roomsQuery), (c) => {
    logOperator(c, "list");
    c.header("cache-control", "no-store");
    return c.json(c.env.deps.rooms.list(c.req.valid("query")));
  })
  .post(
    "/disconnect",
    secretKey,
    limitRequests,
    limitBody(),
    validateLazily("json", disconnectBody),
    async (c) => {
      const { user, reason } = c.req.valid("json");
      logOperator(c, "disconnect", { user });
      await c.env.deps.evictions.disconnect({ user }, reason);
      return c.json({}, 202);
    },
  );

async function roomsQuery() {
  return (await import("../../schemas/operator_bodies.ts")).RoomsQuery;
}

async function disconnectBody() {
  return (await import("../../schemas/operator_bodies.ts")).DisconnectBody;
}
