/**
 * Imitates Auth's `/user`, which the documentation's example requests on every connect. It runs on
 * loopback and checks no token, so that the figure contains only the example's own cost.
 * @module
 */
import { LISTEN } from "./listen.ts";

const user = JSON.stringify({
  id: "8c2f4a56-3c1e-4d0b-9a77-5b0f2e6d1c34",
  aud: "authenticated",
  role: "authenticated",
  email: "someone@example.com",
  email_confirmed_at: "2026-01-01T00:00:00Z",
  phone: "",
  confirmed_at: "2026-01-01T00:00:00Z",
  last_sign_in_at: "2026-01-01T00:00:00Z",
  app_metadata: { provider: "email", providers: ["email"] },
  user_metadata: {},
  identities: [],
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  is_anonymous: false,
});

Deno.serve(LISTEN, (request) => {
  const { pathname } = new URL(request.url);
  if (pathname !== "/auth/v1/user") return new Response(null, { status: 404 });
  return new Response(user, { headers: { "content-type": "application/json" } });
});
