import { Hono } from "hono";
import type { Issuer } from "./issuer.ts";
import { createPlayground } from "./playground_page.ts";

/** Lifetime of the dev server's tokens: a working day and the evening after it. */
const TOKEN_SECONDS = 24 * 3600;

/** Users whose tokens the dev server prints at start. */
export const DEV_USERS: readonly string[] = ["alice", "bob"];

/** Signs a user's token. */
export function devToken(issuer: Issuer, user: string): Promise<string> {
  return issuer.token(user, { claims: { exp: Math.floor(Date.now() / 1000) + TOKEN_SECONDS } });
}

/**
 * Creates the dev server's own routes: the playground and, with an issuer, its keys and
 * `/dev/token`. Never deployed.
 */
export function createDevRoutes(issuer: Issuer | undefined): Hono {
  const app = new Hono();
  app.route("/", createPlayground());
  // Without an issuer, the playground asks for a token.
  app.get("/dev/issuer", (c) => {
    return c.json({ issuesTokens: issuer !== undefined, users: issuer ? DEV_USERS : [] });
  });
  if (!issuer) return app;
  // The path at which Supabase Auth publishes a project's keys.
  app.get("/auth/v1/.well-known/jwks.json", (c) => c.json(issuer.jwks));
  app.get("/dev/token", async (c) => {
    const user = c.req.query("user");
    if (!user) return c.text("Missing `user`, for example /dev/token?user=alice.\n", 400);
    return c.text(`${await devToken(issuer, user)}\n`, 200, { "cache-control": "no-store" });
  });
  return app;
}
