import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { asksForWebSocket } from "../../socket/handshake.ts";
import type { AllowedMethods } from "../allowed_methods.ts";
import type { AppEnv } from "../context.ts";

const EXPOSED_HEADERS = ["ratelimit", "ratelimit-policy", "retry-after", "www-authenticate", "x-request-id"];

/** Time that browsers keep the answer to a preflight: two hours, the maximum of Chromium. */
const MAX_AGE_SECONDS = 7200;

/** Methods for a path without a route, so that a page can read its 404. */
const ANY_METHOD = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"];

/**
 * Lets pages of the allowed origins read the answers of HTTP routes. A handshake passes untouched:
 * browsers do not apply CORS to WebSockets (`upgradeWebSocket` checks their origin), and its answer
 * has no headers to add to. So does an OPTIONS request that is no preflight.
 */
export function corsForPages(allowedMethods: AllowedMethods): MiddlewareHandler<AppEnv> {
  const options = {
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: MAX_AGE_SECONDS,
    allowMethods(_origin: string, { req }: { readonly req: { readonly path: string } }): string[] {
      const methods = allowedMethods(req.path);
      return methods.length === 0 ? ANY_METHOD : [...methods];
    },
  };
  const anyOrigin: MiddlewareHandler<AppEnv> = cors({ ...options, origin: "*" });
  const allowedOrigins: MiddlewareHandler<AppEnv> = cors({
    ...options,
    origin: (origin, c) => c.env.deps.allowedOrigins.includes(origin) ? origin : null,
  });
  return createMiddleware<AppEnv>(async function corsForPages(c, next) {
    if (asksForWebSocket(c.req.raw)) return await next();
    if (c.req.method === "OPTIONS" && !c.req.header("access-control-request-method")) return await next();
    return await (c.env.deps.allowedOrigins.includes("*") ? anyOrigin : allowedOrigins)(c, next);
  });
}
