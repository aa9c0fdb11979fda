import type { User } from "../auth/user.ts";
import { errorFields, type Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { parseSubprotocols, selectSubprotocol } from "../../../protocol/subprotocols.ts";
import type { ConnectionRegistry } from "./connection_registry.ts";
import { ServerSocket } from "./server_socket.ts";
import type { SocketHandlers, SocketLimits } from "./socket.ts";

/** An upgrade that a route has decided on and that has not been performed yet. */
export interface PendingUpgrade {
  /** Id of the request, for the log. */
  readonly requestId: string;
  readonly user: User;
  /** Pattern of the route, for the log. */
  readonly route: string;
  readonly handlers: SocketHandlers;
  /** Subprotocols that the endpoint speaks, in order of preference. */
  readonly subprotocols: readonly string[];
  /** Clients that selected one of them need no WebSocket pings. */
  readonly ownHeartbeat: boolean;
  /** Frames that may wait while an async handler works. */
  readonly queuedFrames: number;
}

/** What performing an upgrade needs. */
export interface UpgradeDeps {
  readonly connections: ConnectionRegistry;
  readonly limits: SocketLimits;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Milliseconds since 1970, for durations in the log. */
  readonly now: () => number;
}

/**
 * Whether a request asks for a WebSocket: GET (RFC 6455, 4.1; a HEAD would reach the same route), and `Upgrade` holds the name,
 * which is an entry of a list and compared without case (RFC 9110, 7.8).
 */
export function asksForWebSocket({ method, headers }: Request): boolean {
  const upgrade = headers.get("upgrade");
  return upgrade !== null && method === "GET" &&
    upgrade.split(",").some((entry) => entry.trim().toLowerCase() === "websocket");
}

/**
 * Turns the request into an open socket; the response must be returned to the server as it is.
 * @throws {TypeError} when the request is no complete handshake, such as one without a key
 */
export function performUpgrade(
  request: Request,
  upgrade: PendingUpgrade,
  deps: UpgradeDeps,
): Response {
  const { connections, limits, log, metrics, now } = deps;
  const header = request.headers.get("sec-websocket-protocol");
  const offered = parseSubprotocols(header);
  const protocol = selectSubprotocol(offered, upgrade.subprotocols);
  const asDenoSplits = offered.join(", ");
  if (protocol !== undefined && header !== asDenoSplits) replaceOfferedSubprotocols(request, asDenoSplits);
  const { socket: raw, response } = Deno.upgradeWebSocket(
    request,
    protocol === undefined ? {} : upgrade.ownHeartbeat ? { protocol, idleTimeout: 0 } : { protocol },
  );
  const openedAt = now();
  const { user, handlers } = upgrade;
  // Not the request's id: a middleware such as Hono's requestId may let the client choose that one.
  const id = crypto.randomUUID();
  const about = { socket: id, request_id: upgrade.requestId, route: upgrade.route, user: user.id };
  const socket = new ServerSocket({
    raw,
    id,
    user,
    protocol: protocol ?? "",
    handlers,
    limits,
    queuedFrames: upgrade.queuedFrames,
    handshakeWatch: connections.handshakeWatch,
    onFailure: (handler, error) =>
      log.error("socket.handler_failed", { ...about, handler, ...errorFields(error) }),
    onRelease: (gone) => connections.remove(gone),
    onEnd(ended, { code }) {
      connections.ended(ended);
      metrics.closed(code);
      log.info("socket.close", { ...about, code, duration_ms: now() - openedAt });
    },
  });
  connections.add(socket);
  metrics.connectionsOpened += 1;
  log.info("socket.open", { ...about, connections: connections.count });
  return response;
}

/**
 * Deno (2.1.4 and 2.9.6) splits the offered list at ", " only, and throws when the selected one is not found in it:
 * a client that sends `a,b`, as Node's ws does, could select nothing. It reads the header through `request.headers`,
 * which on a served request cannot be changed, so this gives the request headers of our own, which cost an eighth of what a join
 * allocates: only where they are needed. Can go when Deno splits at the comma.
 */
function replaceOfferedSubprotocols(request: Request, offered: string): void {
  const headers = new Headers(request.headers);
  headers.set("sec-websocket-protocol", offered);
  Object.defineProperty(request, "headers", { value: headers });
}
