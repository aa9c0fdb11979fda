import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../app_env.ts";
import { findToken } from "../auth/credential.ts";
import { RequestProblem } from "./problem.ts";

/**
 * Lets only those through who present one of the project's secret keys, in the header `apikey` or as the bearer token. Answers 401
 * `missing_token` to who presents nothing, 403 `forbidden` to who presents something else.
 */
export const secretKey = createMiddleware<AppEnv>(async function secretKey(c, next) {
  const { isSecretKey } = c.get("services");
  const presented = presentedKeys(c);
  if (presented.length === 0) {
    throw new RequestProblem("missing_token", { detail: "Send a secret key of the project in `apikey`." });
  }
  if (!presented.some(isSecretKey)) {
    throw new RequestProblem("forbidden", { detail: "This needs a secret key of the project." });
  }
  await next();
});

/** What a request presents that could be a secret key: the header `apikey`, and its token. */
export function presentedKeys(c: Context<AppEnv>): string[] {
  return [c.req.header("apikey"), c.env?.token ?? findToken(c.req.raw)].flatMap((key) => key ? [key] : []);
}
