import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv, UserEnv } from "../context.ts";
import { presentsSecretKey } from "./secret_key.ts";

/**
 * Lets users through that `authenticate` accepts, and servers that present a secret key of the
 * project. For the latter there is no `c.var.user`.
 */
export function userOrSecretKey(
  authenticate: MiddlewareHandler<AppEnv & UserEnv>,
): MiddlewareHandler<AppEnv> {
  return createMiddleware<AppEnv>(async function userOrSecretKey(c, next) {
    if (presentsSecretKey(c)) {
      c.set("hasSecretKey", true);
      return await next();
    }
    // The types of Hono cannot say that the middleware adds the user to this very context.
    return await (authenticate as unknown as MiddlewareHandler<AppEnv>)(c, next);
  });
}
