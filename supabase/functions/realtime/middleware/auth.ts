import { createMiddleware } from "hono/factory";
import type { AppEnv, AuthenticatedEnv, Services } from "../app_env.ts";
import { findToken } from "../auth/credential.ts";
import type { User } from "../auth/user.ts";
import { errorFields } from "../log.ts";
import { RequestProblem } from "./problem.ts";

/**
 * Lets only verified users through and puts the user into the context as `c.var.user`. Runs before the upgrade: a socket
 * without a user is never opened. Answers 401 `missing_token`, `invalid_token`, `token_expired`, or 503
 * `auth_unavailable` (docs/protocol.md, "Handshake").
 */
export const authenticate = createMiddleware<AppEnv & AuthenticatedEnv>(async function authenticate(c, next) {
  // A request that did not come through createHandler (`app.request()` in a test) still carries its token itself.
  const token = c.env?.token ?? findToken(c.req.raw);
  // c.get() and not c.var, here and in the other middleware of every connect: c.var copies all variables at each use.
  c.set("user", await verifyUser(token, c.get("services"), c.get("requestId")));
  await next();
});

/**
 * The user of a token.
 * @throws {RequestProblem} the answers of `authenticate`, as a rejection
 */
export async function verifyUser(
  token: string | undefined,
  { verifier, log }: Services,
  requestId: string,
): Promise<User> {
  if (!token) throw new RequestProblem("missing_token");
  const verification = await verifier.verify(token);
  if (verification.ok) return verification.user;
  const { code, detail, cause } = verification;
  if (code === "auth_unavailable") {
    log.warn("auth.unavailable", { request_id: requestId, detail, ...errorFields(cause) });
  }
  throw new RequestProblem(code, { detail });
}
