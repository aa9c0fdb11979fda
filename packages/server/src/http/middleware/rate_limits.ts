import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { asksForWebSocket } from "../../socket/handshake.ts";
import { BURST_SECONDS } from "../../socket/request_rates.ts";
import type { AppEnv } from "../context.ts";
import { refuse, RequestProblem } from "./problem.ts";

/**
 * Limits the HTTP requests of one user (`USER_REQUESTS_PER_SECOND`). Stands behind the middleware
 * that provides the user. A request without a user presents a secret key; those share a bucket.
 * Handshakes pass: `limitJoins` counts them.
 */
export const limitRequests = createMiddleware<AppEnv>(async function limitRequests(c, next) {
  if (asksForWebSocket(c.req.raw)) return await next();
  const { name, quota, remaining, resetSeconds, retryAfterMs } = c.env.deps.rates.request(c.get("user")?.id);
  if (retryAfterMs > 0) {
    replaceResponse(c, "This user sends too many requests. Wait for `retry_after_ms`.", retryAfterMs);
  } else await next();
  c.header("ratelimit-policy", `"${name}";q=${quota};w=${BURST_SECONDS}`);
  c.header("ratelimit", `"${name}";r=${remaining};t=${resetSeconds}`);
});

/**
 * Counts refused requests without a user (`REFUSED_REQUESTS_PER_SECOND`). Above the rate each is
 * answered with 429. A request that is not refused never counts: others cannot spend its share.
 */
export const limitRefusals = createMiddleware<AppEnv>(async function limitRefusals(c, next) {
  await next();
  const { status } = c.res;
  if (status < 400 || status >= 500 || c.get("user") || c.get("hasSecretKey")) return;
  const retryAfterMs = c.env.deps.rates.refusal();
  if (retryAfterMs === 0) return;
  replaceResponse(c, "Too many requests without a valid token. Wait for `retry_after_ms`.", retryAfterMs);
});

/**
 * Counts a socket or event stream that the user opens.
 * @throws {RequestProblem} 429 `rate_limited` for this user, 503 `overloaded` for the isolate
 */
export function limitJoins(c: Context<AppEnv>): void {
  const user = c.get("user");
  const refusal = user && c.env.deps.rates.join(user.id);
  if (!refusal) return;
  const { code, retryAfterMs } = refusal;
  throw new RequestProblem(code, {
    retryAfterMs,
    ...(code === "rate_limited"
      ? { detail: "This user opens too many connections at once. Wait for `retry_after_ms`." }
      : {}),
  });
}

/** Answers 429. Of the response before, only the headers for pages stay. */
function replaceResponse(c: Context<AppEnv>, detail: string, retryAfterMs: number): void {
  const { headers } = c.res;
  const problem = refuse(c, "rate_limited", { detail, retryAfterMs });
  for (const [name, value] of headers) {
    if (name === "vary" || name.startsWith("access-control-")) problem.headers.append(name, value);
  }
  // Hono copies all headers of a response that is still set.
  c.res = undefined;
  c.res = problem;
}
