import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { AppEnv } from "../app_env.ts";
import { asksForWebSocket } from "../socket/handshake.ts";

/**
 * Lets pages of the allowed origins read what the HTTP routes answer. A handshake passes untouched: browsers do not apply CORS to
 * WebSockets (`expectWebSocket` checks their origin), and its answer has no headers to add to.
 */
export function corsForPages(allowedOrigins: readonly string[]): MiddlewareHandler<AppEnv> {
  const applyCors = cors({
    origin: allowedOrigins.includes("*") ? "*" : [...allowedOrigins],
    exposeHeaders: ["retry-after", "www-authenticate", "x-request-id"],
  });
  return async function corsForPages(c, next) {
    if (asksForWebSocket(c.req.raw)) return await next();
    return await applyCors(c, next);
  };
}
