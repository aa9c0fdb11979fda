import type { Context, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { User } from "../../auth/user.ts";
import { errorFields } from "../../observability/log.ts";
import type { AppEnv, UserEnv } from "../context.ts";
import { findTicket } from "../tickets/find_ticket.ts";
import { RequestProblem } from "./problem.ts";

const providers = new WeakSet<object>();

/**
 * Makes middleware that puts the user that `findUser` resolves with into the context, as
 * `c.var.user`. A `User` can only come from `verifyUser`, so routes behind it have a verified one.
 * Throw a `RequestProblem` in `findUser` to refuse the request before the upgrade.
 */
export function provideUser(
  findUser: (c: Context<AppEnv>) => User | Promise<User>,
): MiddlewareHandler<AppEnv & UserEnv> {
  const provider = createMiddleware<AppEnv & UserEnv>(async function provideUser(c, next) {
    c.set("user", await findUser(c as unknown as Context<AppEnv>));
    await next();
  });
  providers.add(provider);
  return provider;
}

/** True for middleware that `provideUser` made. */
export function isUserProvider(handler: unknown): boolean {
  return typeof handler === "function" && providers.has(handler);
}

/**
 * Types middleware that stands behind `provideUser`: its `c.var.user` is the verified user. In
 * front of it a request is answered with 500, and the log names the cause.
 */
export function withUser(
  handler: MiddlewareHandler<AppEnv & UserEnv>,
): MiddlewareHandler<AppEnv & UserEnv> {
  return async function withUser(c, next) {
    if (!c.get("user")) {
      throw new Error("Middleware made with withUser stands in front of authenticate. Put it behind it.");
    }
    return await handler(c, next);
  };
}

/**
 * Verifies a token, or redeems the request's ticket, and resolves with the user. Keys of the
 * project decide where they can, Supabase Auth decides otherwise. A second call with the same
 * token or ticket resolves with the same user.
 * @throws {RequestProblem} 401 `invalid_token`, `token_expired` or `invalid_ticket`; 503
 * `auth_unavailable`, or `unavailable` while the store of tickets is away
 */
export async function verifyUser(c: Context<AppEnv>, token: string): Promise<User> {
  const { deps: { verifier, tickets, log }, verified } = c.env;
  // A ticket is used up by now. The user of a socket for many rooms may have a newer token.
  if (verified?.token === token) return verified.user;
  const isTicket = token === findTicket(c);
  // A path is encoded in one way, as that of the ticket.
  const verification =
    await (isTicket ? tickets.redeem(token, new URL(c.req.url).pathname) : verifier.verify(token));
  if (verification.ok) {
    c.env.verified = { token, user: verification.user };
    return verification.user;
  }
  if (verification.code === "invalid_ticket") throw new RequestProblem("invalid_ticket");
  const { code, detail, cause, retryAfterMs } = verification;
  if (code === "auth_unavailable" && cause !== undefined) {
    log.warn("auth.unavailable", { request_id: c.get("requestId"), detail, ...errorFields(cause) });
  }
  throw new RequestProblem(code, { detail, retryAfterMs });
}
