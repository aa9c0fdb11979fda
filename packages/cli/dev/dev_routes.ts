import { Hono } from "hono";
import { devToken, parseDevTokenQuery } from "./dev_token.ts";
import type { Issuer } from "./issuer.ts";
import { createPlayground } from "./playground_page.ts";

/** Users whose tokens the dev server prints at start. */
export const DEV_USERS: readonly string[] = ["alice", "bob"];

/** Examples that end each refusal of `/dev/token`. */
const EXAMPLES = `For example: /dev/token?user=alice
With claims: /dev/token?user=alice&role=authenticated&app_metadata={"role":"teacher"}&claims={"aal":"aal2"}
`;

/** Options of the dev server's own routes. */
export interface DevRoutesOptions {
  /** Path of the function; `/realtime` by default. */
  readonly functionPath?: string;
  /** The page; bundled from its source by default. */
  readonly playground?: Hono;
}

/**
 * Creates the dev server's own routes: the playground and, with an issuer, its keys and
 * `/dev/token`. Never deployed.
 */
export function createDevRoutes(issuer: Issuer | undefined, options: DevRoutesOptions = {}): Hono {
  const { functionPath = "/realtime", playground = createPlayground() } = options;
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("x-content-type-options", "nosniff");
    c.header("cache-control", "no-store");
  });
  app.route("/", playground);
  // Without an issuer, the playground asks for a token.
  app.get("/dev/issuer", (c) => {
    return c.json({ issuesTokens: issuer !== undefined, users: issuer ? DEV_USERS : [], functionPath });
  });
  if (!issuer) return app;
  // The path at which Supabase Auth publishes a project's keys.
  app.get("/auth/v1/.well-known/jwks.json", (c) => c.json(issuer.jwks));
  app.get("/dev/token", async (c) => {
    const request = parseDevTokenQuery(new URL(c.req.url).searchParams);
    if (typeof request === "string") return c.text(`${request}\n${EXAMPLES}`, 400);
    // No line end: pages pass the text on as their token.
    return c.text(await devToken(issuer, request));
  });
  return app;
}
