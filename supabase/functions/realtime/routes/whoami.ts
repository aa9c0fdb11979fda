import { createEndpoint } from "../endpoint.ts";
import { authenticate } from "../middleware/auth.ts";

/** `GET /whoami`: the user as the auth middleware sees them. */
export const whoami = createEndpoint().get("/", authenticate, (c) => {
  const { user } = c.var;
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
    expires_at: user.expiresAt,
    claims: user.claims,
  });
});
