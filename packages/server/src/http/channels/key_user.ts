import type { Context, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { bearerToken } from "../../auth/credential.ts";
import { createRoleUser, type User } from "../../auth/user.ts";
import type { AppEnv, UserEnv } from "../context.ts";
import { findApiKey } from "../find_api_key.ts";
import { RequestProblem } from "../middleware/problem.ts";

/**
 * Makes middleware that puts the user of an API key into the context: role `anon` for a publishable
 * key. Over HTTP a bearer token comes first, as it names the user who is signed in.
 */
export function provideKeyUser(from: "socket" | "http"): MiddlewareHandler<AppEnv & UserEnv> {
  return createMiddleware<AppEnv & UserEnv>(async function provideKeyUser(given, next) {
    const c = given as unknown as Context<AppEnv>;
    const bearer = from === "http" ? bearerToken(c.req.raw.headers.get("authorization")) : undefined;
    const key = bearer ?? findApiKey(c);
    if (key === undefined) {
      throw new RequestProblem("missing_token", { detail: "API key is missing. Send `apikey`." });
    }
    given.set("user", await userOf(key, c));
    await next();
  });
}

/** @throws {RequestProblem} 401 `invalid_token`, `token_expired`; 503 `auth_unavailable` */
async function userOf(key: string, c: Context<AppEnv>): Promise<User> {
  const { deps, queryApiKey } = c.env;
  // Addresses end up in the logs of proxies: a secret key counts in a header only.
  if (key !== queryApiKey && deps.isSecretKey(key)) {
    c.set("hasSecretKey", true);
    return createRoleUser("service_role");
  }
  const verification = await deps.keys.verify(key);
  if (verification.ok) return verification.user;
  const { code, detail, retryAfterMs } = verification;
  throw new RequestProblem(code, { detail, retryAfterMs });
}
