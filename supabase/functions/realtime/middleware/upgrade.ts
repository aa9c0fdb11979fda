import type { Context, Input, TypedResponse } from "hono";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { AppEnv, AuthenticatedEnv } from "../app_env.ts";
import { REALTIME_V1 } from "../protocol/subprotocols.ts";
import { asksForWebSocket } from "../socket/handshake.ts";
import type { SocketHandlers } from "../socket/socket.ts";
import { RequestProblem } from "./problem.ts";

/**
 * Lets only WebSocket handshakes through, and only from allowed origins. Answers 400 `expected_websocket` or 403
 * `forbidden`. Stack it after `authenticate` and before validation: that is the order of docs/protocol.md, "Handshake".
 */
export const expectWebSocket = createMiddleware<AppEnv>(async function expectWebSocket(c, next) {
  if (!asksForWebSocket(c.req.raw)) throw new RequestProblem("expected_websocket");
  const origin = c.req.header("origin");
  const { allowedOrigins } = c.get("services");
  if (origin !== undefined && !allowedOrigins.includes("*") && !allowedOrigins.includes(origin)) {
    throw new RequestProblem("forbidden", {
      detail: "Pages of this origin may not connect. ALLOWED_ORIGINS says which may.",
      field: "header.origin",
    });
  }
  await next();
});

/** What an endpoint may say about its upgrade. */
export interface UpgradeOptions {
  /** Subprotocols that the endpoint speaks, in order of preference; `realtime.v1` by default. */
  readonly subprotocols?: readonly string[];
  /**
   * The endpoint notices by itself when a client that selected one of `subprotocols` has gone silent: the runtime's own
   * WebSocket pings, which cost timers at every message, are left out for it. False by default.
   */
  readonly ownHeartbeat?: boolean;
  /** Frames that may wait, where that has to be more than `MAX_QUEUED_FRAMES`: as many as a client may send at once. */
  readonly queuedFrames?: number;
}

/** The response of a route that upgrades; `ws` gives the route a `$ws` in `hc<App>()`. */
export type UpgradeResponse = Response & TypedResponse<Record<never, never>, 101, "ws">;

/**
 * Answers the request with an open socket for its user. The upgrade itself is performed when every middleware is through
 * (see createHandler): until then the response is a stand-in with status 101, whose headers middleware may change without
 * breaking anything, and if a middleware answers otherwise no socket was ever opened.
 *
 * Throws 503 `overloaded` when the isolate is full or about to go, 429 `too_many_connections` when the user has too many.
 */
export function upgradeWebSocket<
  // A context behind `authenticate`: without it this does not compile, so that no socket is opened for nobody.
  E extends AppEnv & AuthenticatedEnv,
  P extends string,
  I extends Input,
>(
  c: Context<E, P, I>,
  handlers: SocketHandlers,
  options: UpgradeOptions = {},
): UpgradeResponse {
  const user = c.get("user");
  const services = c.get("services");
  const refusal = services.isolate.refusal(user.id);
  if (refusal) throw new RequestProblem(refusal);
  if (!c.env || !("upgrade" in c.env)) {
    throw new Error("No upgrade can be performed here: serve the app through createHandler(app, services).");
  }
  c.env.upgrade = {
    requestId: c.get("requestId"),
    user,
    route: routePath(c),
    handlers,
    subprotocols: options.subprotocols ?? [REALTIME_V1],
    ownHeartbeat: options.ownHeartbeat ?? false,
    queuedFrames: Math.max(services.limits.maxQueuedFrames, options.queuedFrames ?? 0),
  };
  return new Response(null, { status: 101 }) as UpgradeResponse;
}
