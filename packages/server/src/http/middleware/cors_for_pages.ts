import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { asksForWebSocket } from "../../socket/handshake.ts";
import type { AppEnv } from "../context.ts";

const exposeHeaders = ["retry-after", "www-authenticate", "x-request-id"];
const anyOrigin: MiddlewareHandler<AppEnv> = cors({ origin: "*", exposeHeaders });
const allowedOrigins: MiddlewareHandler<AppEnv> = cors({
  origin: (origin, c) => c.env.deps.allowedOrigins.includes(origin) ? origin : null,
  exposeHeaders,
});

/**
 * Lets pages of the allowed origins read the answers of HTTP routes. A handshake passes untouched:
 * browsers do not apply CORS to WebSockets (`upgradeWebSocket` checks their origin), and its answer
 * has no headers to add to.
 */
export const corsForPages = createMiddleware<AppEnv>(async function corsForPages(c, next) {
  if (asksForWebSocket(c.req.raw)) return await next();
  return await (c.env.deps.allowedOrigins.includes("*") ? anyOrigin : allowedOrigins)(c, next);
});
