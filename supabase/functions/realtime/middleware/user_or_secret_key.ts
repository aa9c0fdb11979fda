import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../app_env.ts";
import { findToken } from "../auth/credential.ts";
import { verifyUser } from "./auth.ts";
import { presentedKeys } from "./secret_key.ts";

/**
 * Lets verified users through, as `authenticate` does and with its answers, and whoever presents one of the project's secret keys, in the
 * header `apikey` or as the bearer token: a server of the project's own. For those there is no `c.var.user`.
 */
export const userOrSecretKey = createMiddleware<AppEnv>(async function userOrSecretKey(c, next) {
  const services = c.get("services");
  if (!presentedKeys(c).some(services.isSecretKey)) {
    const token = c.env?.token ?? findToken(c.req.raw);
    c.set("user", await verifyUser(token, services, c.get("requestId")));
  }
  await next();
});
