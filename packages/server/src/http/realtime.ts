import type { MiddlewareHandler } from "hono";
import { createAllowedMethods } from "./allowed_methods.ts";
import type { AppEnv, UserEnv } from "./context.ts";
import { endpoint } from "./endpoint.ts";
import { authenticate as authenticateByDefault } from "./middleware/authenticate.ts";
import { corsForPages } from "./middleware/cors_for_pages.ts";
import { answerNotFound, answerProblem } from "./middleware/problem.ts";
import { limitRefusals } from "./middleware/rate_limits.ts";
import { requestId } from "./middleware/request_id.ts";
import { requestLog } from "./middleware/request_log.ts";
import { serverRooms } from "./middleware/server_rooms.ts";
import { reservePaths } from "./reserved_paths.ts";
import { health } from "./routes/health.ts";
import { metrics } from "./routes/metrics.ts";
import { operators } from "./routes/operators.ts";
import { openapi } from "./routes/openapi.ts";
import { serverInfo } from "./routes/server_info.ts";
import { socket } from "./routes/socket.ts";
import { tickets } from "./routes/tickets.ts";
import { whoami } from "./routes/whoami.ts";

/** Options of an app. */
export interface RealtimeOptions<BasePath extends string> {
  /**
   * The path that all endpoints are below: the name of the function's folder. `/realtime` by
   * default.
   */
  readonly basePath?: BasePath;
  /**
   * The middleware that `/whoami` and `/tickets` verify users with; a token from any place by
   * default.
   */
  readonly authenticate?: MiddlewareHandler<AppEnv & UserEnv>;
}

/**
 * Starts the app: `/health`, `/whoami`, `/socket`, `/metrics`, `/openapi.json` and a list of routes
 * are built in; add endpoints with `.route(path, endpoint)`, which throws if the first segment is
 * reserved. Serve it with `serve(app)` or `createServer(app)`.
 */
// The return type is the app's routes, which `hc<App>()` reads.
// deno-lint-ignore explicit-module-boundary-types
export function realtime<BasePath extends string = "/realtime">(options: RealtimeOptions<BasePath> = {}) {
  const { authenticate = authenticateByDefault } = options;
  const root = endpoint();
  root.onError(answerProblem);
  const allowedMethods = createAllowedMethods(root);
  root.notFound(answerNotFound(allowedMethods));
  root.use(requestId, serverRooms, requestLog, corsForPages(allowedMethods), limitRefusals);
  const basePath = (options.basePath ?? "/realtime") as BasePath;
  const app = root.basePath(basePath)
    .route("/", serverInfo(() => root.routes))
    .route("/health", health)
    .route("/metrics", metrics)
    .route("/", operators)
    .route("/whoami", whoami(authenticate))
    .route("/socket", socket(authenticate))
    .route("/tickets", tickets(authenticate))
    .route("/openapi.json", openapi(() => root.routes, basePath));
  return reservePaths(app);
}
