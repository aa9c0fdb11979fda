import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { AppEnv } from "../context.ts";
import { nameSpan } from "../../observability/spans.ts";
import { traceParent } from "../../observability/trace_parent.ts";

/**
 * Logs one event for each request that was answered; a socket logs its own opening and closing
 * instead. Most refusals without a user are only counted (`RefusalLog`).
 */
export const requestLog = createMiddleware<AppEnv>(async function requestLog(c, next) {
  const deps = c.env.deps;
  const startedAt = deps.now();
  await next();
  const { status } = c.res;
  const method = knownMethod(c.req.method);
  nameSpan(method, () => routePath(c, -1));
  if (status === 101) return;
  // The pattern, never the address: an address may hold what is nobody's business.
  const route = routePath(c, -1);
  const durationMs = deps.now() - startedAt;
  deps.metrics.responded(status, method, route, durationMs);
  const user = c.get("user")?.id;
  const isSecretKey = c.get("hasSecretKey");
  const fields = {
    request_id: c.get("requestId"),
    method: c.req.method,
    route,
    status,
    refused: c.get("refusal"),
    user,
    secret_key: isSecretKey,
    duration_ms: durationMs,
    traceparent: traceParent(c.req.raw),
  };
  const isRefused = status >= 400 && status < 500 && user === undefined && !isSecretKey;
  if (isRefused) deps.refusalLog.refused(`${method} ${route} ${status}`, fields);
  else deps.log.info("request", fields);
});

/** Names methods that a client may invent as one. */
function knownMethod(method: string): string {
  return /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/.test(method) ? method : "other";
}
