import type { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { endpoint } from "../endpoint.ts";
import { REALTIME_V1 } from "../../../../protocol/subprotocols.ts";
import { VERSION } from "../../version.ts";

/**
 * `GET /`: what this service is, and the routes of the app, whichever are in it when it is asked.
 */
// The return type is what `hc` reads.
// deno-lint-ignore explicit-module-boundary-types
export function serverInfo(routes: () => Hono<AppEnv>["routes"]) {
  return endpoint().get(
    "/",
    (c) =>
      c.json({
        service: "realtime",
        version: VERSION,
        protocols: [REALTIME_V1],
        routes: addresses(routes()),
      }),
  );
}

/** Method and path of each route, once; middleware (`ALL`) is none. */
function addresses(routes: Hono<AppEnv>["routes"]): { method: string; path: string }[] {
  const seen = new Map(
    routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => [`${method} ${path}`, {
      method,
      path,
    }]),
  );
  return [...seen.values()];
}
