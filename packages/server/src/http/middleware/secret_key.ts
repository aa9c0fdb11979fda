import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { bearerToken } from "../../auth/credential.ts";
import { SECRET_KEY_PREFIX } from "../../auth/secret_keys.ts";
import type { AppEnv } from "../context.ts";
import { RequestProblem } from "./problem.ts";

/**
 * Lets only requests through that present a secret key of the project, in the header `apikey` or as
 * the bearer token. Answers 401 `missing_token` to a request that presents nothing, 401
 * `invalid_token` to an unknown secret key, and 403 `forbidden` to other keys and tokens.
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

/**
 * True when the request presents a secret key of the project.
 * @throws {RequestProblem} 401 `invalid_token` for an unknown secret key, such as a revoked one
 */
export function presentsSecretKey(c: Context<AppEnv>): boolean {
  const keys = presentedKeys(c);
  if (keys.some(c.env.deps.isSecretKey)) return true;
  if (!keys.some((key) => key.startsWith(SECRET_KEY_PREFIX))) return false;
  throw new RequestProblem("invalid_token", {
    detail:
      "The project does not have this secret key. Compare `apikey` (or the bearer token) with SUPABASE_SECRET_KEYS.",
  });
}

/** Headers that may hold a secret key. Addresses and subprotocols end up in the logs of proxies. */
function presentedKeys(c: Context<AppEnv>): string[] {
  const { headers } = c.req.raw;
  return [headers.get("apikey"), bearerToken(headers.get("authorization"))].flatMap((key) => key || []);
}
