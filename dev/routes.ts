import { Hono } from "hono";
import type { Issuer } from "./issuer.ts";

/** How long the dev server's tokens are good: a working day and the evening after it. */
const TOKEN_SECONDS = 24 * 3600;

/** A token of the dev server for a user. */
export function devToken(issuer: Issuer, user: string): Promise<string> {
  return issuer.token(user, { claims: { exp: Math.floor(Date.now() / 1000) + TOKEN_SECONDS } });
}

/** What the dev server answers beside the function: the issuer's keys, and a token for whoever asks. Never deployed. */
export function createDevRoutes(issuer: Issuer): Hono {
  const app = new Hono();
  // Where Supabase Auth publishes a project's keys.
  app.get("/auth/v1/.well-known/jwks.json", (c) => c.json(issuer.jwks));
  app.get("/dev/token", async (c) => {
    const user = c.req.query("user");
    if (!user) return c.text("Say for whom: /dev/token?user=alice\n", 400);
    return c.text(`${await devToken(issuer, user)}\n`, 200, { "cache-control": "no-store" });
  });
  app.get("/", (c) => c.text("The dev server of Realtime Edge. The function is at /realtime.\n"));
  return app;
}
