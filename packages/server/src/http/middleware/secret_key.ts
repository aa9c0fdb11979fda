import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";
import { findToken } from "../find_token.ts";
import { RequestProblem } from "./problem.ts";

/**
 * Lets only requests through that present a secret key of the project, in the header `apikey` or as
 * the bearer token. Answers 401 `missing_token` to a request that presents nothing, 403 `forbidden`
 * to one that presents something else.
 */
export const secretKey = createMiddleware<AppEnv>(async function secretKey(c, next) {
  if (presentedKeys(c).length === 0) {
    throw new RequestProblem("missing_token", { detail: "Send a secret key of the project in `apikey`." });
  }
  if (!presentsSecretKey(c)) {
    throw new RequestProblem("forbidden", { detail: "This needs a secret key of the project." });
  }
  c.set("hasSecretKey", true);
  await next();
});

/** True when the request presents a secret key of the project. */
export function presentsSecretKey(c: Context<AppEnv>): boolean {
  return presentedKeys(c).some(c.env.deps.isSecretKey);
}

/** Values of the request that could be a secret key: the header `apikey`, and the token. */
function presentedKeys(c: Context<AppEnv>): string[] {
  return [c.req.header("apikey"), findToken(c)].flatMap((key) => key ? [key] : []);
}
