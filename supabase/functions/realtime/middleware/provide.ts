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
    c.res.headers.set("x-request-id", requestId);
  });
}
