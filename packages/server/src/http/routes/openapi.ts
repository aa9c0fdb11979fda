import type { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { createLazy } from "../../lazy.ts";
import { endpoint } from "../endpoint.ts";

/**
 * `GET /openapi.json`: an OpenAPI 3.1 document of the routes that the app has at the first request.
 */
// The return type is what `hc` reads.
// deno-lint-ignore explicit-module-boundary-types
export function openapi(routes: () => Hono<AppEnv>["routes"], basePath: string) {
  // Loaded at the first request, so that no boot pays for it.
  const document = createLazy(async () => {
    const { describeRoutes } = await import("../openapi/describe_routes.ts");
    const text = JSON.stringify(describeRoutes(routes(), basePath));
    return { text, tag: await entityTag(text) };
  });
  return endpoint().get("/", async (c) => {
    const { text, tag } = await document.load();
    c.header("etag", tag);
    // The document changes with a deployment only. Readers that reload within five minutes start no
    // isolate.
    c.header("cache-control", "public, max-age=300");
    if (namesTag(c.req.header("if-none-match"), tag)) return c.body(null, 304);
    return c.body(text, 200, { "content-type": "application/json" });
  });
}

async function entityTag(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `"${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")}"`;
}

/** Weak comparison (RFC 9110, 13.1.2): a proxy that compresses makes a tag weak. */
function namesTag(header: string | undefined, tag: string): boolean {
  return header !== undefined &&
    header.split(",").some((entry) => ["*", tag].includes(entry.trim().replace(/^W\//, "")));
}
