import type { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { endpoint } from "../endpoint.ts";

/**
 * `GET /openapi.json`: the HTTP half of the service as an OpenAPI 3.1 document, of the routes that
 * the app has when it is asked first.
 */
// The return type is what `hc` reads.
// deno-lint-ignore explicit-module-boundary-types
export function openapi(routes: () => Hono<AppEnv>["routes"], basePath: string) {
  let text: string | undefined;
  return endpoint().get("/", async (c) => {
    // Loaded when it is asked for: no boot pays for it.
    const { describeRoutes } = await import("../openapi/describe_routes.ts");
    text ??= JSON.stringify(describeRoutes(routes(), basePath));
    return c.body(text, 200, {
      "content-type": "application/json",
      // The same for everybody until the next deployment, which tools may learn of five minutes
      // later: readers that reload start no isolate.
      "cache-control": "public, max-age=300",
    });
  });
}
