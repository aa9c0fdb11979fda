import type { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { endpoint } from "../endpoint.ts";

/**
 * `GET /openapi.json`: an OpenAPI 3.1 document of the routes that the app has at the first request.
 */
// The return type is what `hc` reads.
// deno-lint-ignore explicit-module-boundary-types
export function openapi(routes: () => Hono<AppEnv>["routes"], basePath: string) {
  let text: string | undefined;
  return endpoint().get("/", async (c) => {
    // Loaded at the first request, so that no boot pays for it.
    const { describeRoutes } = await import("../openapi/describe_routes.ts");
    text ??= JSON.stringify(describeRoutes(routes(), basePath));
    return c.body(text, 200, {
      "content-type": "application/json",
      // The document changes with a deployment only. Readers that reload within five minutes start
      // no isolate.
      "cache-control": "public, max-age=300",
    });
  });
}
