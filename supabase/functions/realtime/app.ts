import type { Services } from "./app_env.ts";
import { createEndpoint } from "./endpoint.ts";
import { corsForPages } from "./middleware/cors_for_pages.ts";
import { answerNotFound, answerProblem } from "./middleware/problem.ts";
import { provide } from "./middleware/provide.ts";
import { requestLog } from "./middleware/request_log.ts";
import { echo } from "./routes/echo.ts";
import { health } from "./routes/health.ts";
import { metrics } from "./routes/metrics.ts";
import { openapi } from "./routes/openapi.ts";
import { rooms } from "./routes/rooms.ts";
import { serviceInfo } from "./routes/service_info.ts";
import { whoami } from "./routes/whoami.ts";

/** Builds the app: every endpoint on one line. Serve it through createHandler. */
// The return type is the app's routes, which `hc<App>()` reads.
// deno-lint-ignore explicit-module-boundary-types
export function createApp(services: Services) {
  const root = createEndpoint();
  root.onError(answerProblem);
  root.notFound(answerNotFound);
  root.use(provide(services), requestLog, corsForPages(services.allowedOrigins));
  return root.basePath("/realtime")
    .route("/", serviceInfo(() => root.routes))
    .route("/health", health)
    .route("/metrics", metrics)
    .route("/whoami", whoami)
    .route("/echo", echo)
    .route("/openapi.json", openapi(() => root.routes))
    .route("/rooms", rooms);
}

/** The app's type, for Hono's client: `hc<App>(url)`. */
export type App = ReturnType<typeof createApp>;
