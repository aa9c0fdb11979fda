import { RequestProblem, withUser } from "@realtime-edge/server";

/**
 * An example of middleware of your own: lets users through whose token has this value under
 * `app_metadata`. Put it behind `authenticate`:
 * `endpoint().get("/", authenticate, requireClaim("role", "teacher"), upgradeWebSocket(…))`.
 */
// The return type is that of withUser.
// deno-lint-ignore explicit-module-boundary-types
export function requireClaim(name: string, value: string) {
  return withUser(async function requireClaim(c, next) {
    if (c.var.user.appMetadata[name] !== value) {
      throw new RequestProblem("forbidden", { detail: `This needs app_metadata.${name} = "${value}".` });
    }
    await next();
  });
}
