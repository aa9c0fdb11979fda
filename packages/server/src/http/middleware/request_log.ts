import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { AppEnv } from "../context.ts";

/**
 * Logs one event for each request that was answered; a socket logs its own opening and closing
 * instead.
 */
export const requestLog = createMiddleware<AppEnv>(async function requestLog(c, next) {
  const deps = c.env.deps;
  const startedAt = deps.now();
  await next();
  if (c.res.status === 101) return;
  deps.metrics.responded(c.res.status);
  deps.log.info("request", {
    request_id: c.get("requestId"),
    method: c.req.method,
    // The pattern, never the address: an address may hold what is nobody's business.
    route: routePath(c, -1),
    status: c.res.status,
    user: c.get("user")?.id,
    duration_ms: deps.now() - startedAt,
  });
});
