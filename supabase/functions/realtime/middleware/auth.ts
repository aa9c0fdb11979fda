import { findToken, provideUser, RequestProblem, verifyUser } from "@realtime-edge/server";

/**
 * Decides who may connect: finds the token, verifies it, and puts the user into the context as
 * `c.var.user`. Runs before the upgrade, so that no socket is open without a user.
 */
export const authenticate = provideUser(async function authenticate(c) {
  // A browser can only use the last two places.
  const token = findToken(c, ["header", "subprotocol", "query"]);
  if (!token) throw new RequestProblem("missing_token");
  // The project's key set decides, or Supabase Auth where it has to. Refuses with 401 or 503.
  return await verifyUser(c, token);
});
