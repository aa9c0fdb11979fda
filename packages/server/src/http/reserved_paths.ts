import type { Hono } from "hono";
import type { AppEnv } from "./context.ts";
import { RESERVED_NAMES } from "./reserved_names.ts";

/** Endpoints of the engine's own that may take reserved paths. */
const permitted = new WeakSet<object>();

/** Lets an endpoint of the engine take reserved paths. */
export function permitReservedPaths<Endpoint extends object>(endpoint: Endpoint): Endpoint {
  permitted.add(endpoint);
  return endpoint;
}

/** The part of an endpoint that is checked. */
interface Mounted {
  readonly routes: readonly { readonly path: string }[];
}

/** Method `route` of an app, as this module calls it. */
type Route = (path: string, endpoint: Mounted) => unknown;

/**
 * Makes `route` of an app throw if an endpoint takes a reserved path. Call it once the built-in
 * routes are mounted. The error comes at the start, from the line that mounts the endpoint.
 */
export function reservePaths<App extends Pick<Hono<AppEnv>, "route">>(app: App): App {
  // The overloads of Hono derive the app's type from the endpoint's; here only paths count.
  const route: Route = app.route.bind(app) as unknown as Route;
  return Object.assign(app, {
    route(path: string, endpoint: Mounted) {
      const paths = permitted.has(endpoint) ? [] : ["", ...endpoint.routes.map((one) => one.path)];
      for (const one of paths) checkPath(`${path}/${one}`);
      return route(path, endpoint);
    },
  });
}

/** @throws {Error} naming the reserved segments */
function checkPath(path: string): void {
  const [first = ""] = path.split("/").filter((segment) => segment !== "");
  if (!RESERVED_NAMES.includes(first)) return;
  throw new Error(
    `An endpoint cannot be at /${first}: the engine reserves this path. Choose another first segment ` +
      `than ${RESERVED_NAMES.join(", ")}.`,
  );
}
