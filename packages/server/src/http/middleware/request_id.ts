import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";

/** Gives each request an id, as `c.var.requestId` and as the response's header `x-request-id`. */
export const requestId = createMiddleware<AppEnv>(async function requestId(c, next) {
  if (!c.env?.deps) {
    throw new Error("The app has no engine behind it. Serve it through serve(app) or createServer(app).");
  }
  const id = crypto.randomUUID();
  c.set("requestId", id);
  await next();
  // The stand-in for an upgrade's response is thrown away with its headers.
  if (c.res.status === 101) return;
  // Not `c.res.headers.set`: headers of a response that came from fetch() cannot be changed.
  c.header("x-request-id", id);
});
