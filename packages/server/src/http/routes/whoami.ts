import type { MiddlewareHandler } from "hono";
import type { AppEnv, UserEnv } from "../context.ts";
import { endpoint } from "../endpoint.ts";

/** `GET /whoami`: the user as the auth middleware sees them. */
// The return type is what `hc` reads.
// deno-lint-ignore explicit-module-boundary-types
export function whoami(authenticate: MiddlewareHandler<AppEnv & UserEnv>) {
  return endpoint().get("/", authenticate, (c) => {
    const { user } = c.var;
    // With the claims' own names the declaration of this route would contradict itself.
    const claims: Readonly<Record<string, unknown>> = user.claims;
    c.header("cache-control", "no-store");
    return c.json({
      id: user.id,
      role: user.role,
      email: user.email ?? null,
      is_anonymous: user.isAnonymous,
      app_metadata: user.appMetadata,
      user_metadata: user.userMetadata,
      session_id: user.sessionId ?? null,
      assurance_level: user.assuranceLevel ?? null,
      client_id: user.clientId ?? null,
      expires_at: user.expiresAt,
      claims,
    });
  });
}
