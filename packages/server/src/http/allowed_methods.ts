import type { Hono } from "hono";
import { METHOD_NAME_ALL } from "hono/router";
import type { AppEnv } from "./context.ts";

/** Lists the methods that the app has a route for at a path; empty if it has none. */
export type AllowedMethods = (path: string) => readonly string[];

/** Reads the routes at each call, because endpoints are added after the app is created. */
export function createAllowedMethods(app: Hono<AppEnv>): AllowedMethods {
  return function allowedMethods(path) {
    const methods = new Set(app.routes.map(({ method }) => method));
    return [...methods].filter((method) => method !== METHOD_NAME_ALL && hasRoute(app, method, path))
      // Hono answers HEAD with the route of GET.
      .flatMap((method) => method === "GET" ? ["GET", "HEAD"] : [method]);
  };
}

/** Middleware matches too: its method is `ALL`. */
function hasRoute(app: Hono<AppEnv>, method: string, path: string): boolean {
  return app.router.match(method, path)[0].some(([[, route]]) => route.method !== METHOD_NAME_ALL);
}
