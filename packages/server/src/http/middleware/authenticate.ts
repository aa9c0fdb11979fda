import { findToken } from "../find_token.ts";
import { RequestProblem } from "./problem.ts";
import { provideUser, verifyUser } from "./provide_user.ts";

/** The default middleware for routes of the engine: takes a token from every place. */
export const authenticate = provideUser(async function authenticate(c) {
  const token = findToken(c);
  if (token === undefined) throw new RequestProblem("missing_token");
  return await verifyUser(c, token);
});
