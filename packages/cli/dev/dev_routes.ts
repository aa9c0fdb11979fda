import { Hono } from "hono";
import type { Issuer } from "./issuer.ts";
import { createPlayground } from "./playground_page.ts";

/** How long the dev server's tokens are good: a working day and the evening after it. */
const TOKEN_SECONDS = 24 * 3600;

/** Whom the dev server has tokens for without being asked. */
export const DEV_USERS: readonly string[] = ["alice", "bob"];

/** A token of the dev server for a user. */
export function devToken(issuer: Issuer, user: string): Promise<string> {
  return issuer.token(user, { claims: { exp: Math.floor(Date.now() / 1000) + TOKEN_SECONDS } });
}

/**
 * What the dev server answers beside the function: the playground, and, where it has an issuer of its own, that one's keys and a token
 * for whoever asks. Never deployed.
 */
export function createDevRoutes(issuer: Issuer | undefined): Hono {
  const app = new Hono();
  app.route("/", createPlayground());
  // The playground asks: without an issuer it wants a token to be pasted.
  app.get("/dev/issuer", (c) => {
    return c.json({ issuesTokens: issuer !== undefined, users: issuer ? DEV_USERS : [] });
  });
  if (!issuer) return app;
  // Where Supabase Auth publishes a project's keys.
  app.get("/auth/v1/.well-known/jwks.json", (c) => c.json(issuer.jwks));
  app.get("/dev/token", async (c) => {
    const user = c.req.query("user");
    if (!user) return c.text("Say for whom: /dev/token?user=alice\n", 400);
    return c.text(`${await devToken(issuer, user)}\n`, 200, { "cache-control": "no-store" });
  });
  return app;
}
