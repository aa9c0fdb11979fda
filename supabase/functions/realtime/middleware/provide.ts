import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv, Services } from "../app_env.ts";

/** Puts the services and a request id into the context; the id is also told in the header `x-request-id`. */
export function provide(services: Services): MiddlewareHandler<AppEnv> {
  return createMiddleware<AppEnv>(async function provide(c, next) {
    const requestId = crypto.randomUUID();
    c.set("services", services);
    c.set("requestId", requestId);
    await next();
    // The stand-in for an upgrade's response is thrown away with its headers.
    if (c.res.status === 101) return;
    // Not `c.res.headers.set`: a response that came from fetch() cannot be changed, c.header() makes one that can.
    c.header("x-request-id", requestId);
  });
}
