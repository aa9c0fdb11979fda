import type { MonotonicClock } from "../clocks.ts";
import type { User } from "../auth/user.ts";
import { errorFields, type Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { traceParent } from "../observability/trace_parent.ts";
import { parseSubprotocols, selectSubprotocol } from "../../../protocol/subprotocols.ts";
import type { ConnectionRegistry } from "./connection_registry.ts";
import type { RequestRates } from "./request_rates.ts";
import { ServerSocket } from "./server_socket.ts";
import type { SocketHandlers, SocketLimits } from "./socket.ts";

/** An upgrade that a route has accepted and that is not yet performed. */
export interface PendingUpgrade {
  /** Request id, for the log. */
  readonly requestId: string;
  readonly user: User;
  /** Route pattern, for the log. */
  readonly route: string;
  readonly handlers: SocketHandlers;
  /** Subprotocols of the endpoint, in order of preference. */
  readonly subprotocols: readonly string[];
  /** True if clients with a selected subprotocol need no WebSocket pings. */
  readonly ownHeartbeat: boolean;
  /** Largest message of the client, in bytes, if not the deployment's. */
  readonly maxFrameBytes?: number;
  /** Maximum frames queued behind an async handler. */
  readonly queuedFrames: number;
}

/** Dependencies of an upgrade. */
export interface UpgradeDeps {
  readonly connections: ConnectionRegistry;
  readonly limits: SocketLimits;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: MonotonicClock;
  readonly rates: Pick<RequestRates, "flooded">;
}

/**
 * True if a request asks for a WebSocket. The method is GET (RFC 6455, 4.1; a HEAD would reach the
 * same route). `Upgrade` is a list that contains the name, compared without case (RFC 9110, 7.8).
 */
export function asksForWebSocket({ method, headers }: Request): boolean {
  return method === "GET" && listHas(headers.get("upgrade"), "websocket");
}

/** A refusal of a handshake, before its user's permissions count. */
export interface HandshakeProblem {
  readonly code: "expected_websocket" | "unsupported_websocket_version";
  /** Replaces the code's own text. */
  readonly detail?: string;
}

/**
 * Finds the first fault of a handshake (docs/protocol.md, rules 2.3 and 2.9); undefined for a
 * complete one. Deno checks neither the version nor the form of the key.
 */
export function findHandshakeProblem(request: Request): HandshakeProblem | undefined {
  const { method, headers } = request;
  const key = headers.get("sec-websocket-key");
  const version = headers.get("sec-websocket-version");
  const isUpgrade = asksForWebSocket(request);
  if (!isUpgrade || !listHas(headers.get("connection"), "upgrade")) {
    const isFromClient = method === "GET" && (isUpgrade || key !== null || version !== null);
    return { code: "expected_websocket", ...(isFromClient ? { detail: LOST_UPGRADE } : {}) };
  }
  if (version?.trim() !== "13") return { code: "unsupported_websocket_version" };
  if (key === null || !KEY.test(key)) {
    const fault = key === null ? "is missing" : "is not the base64 form of 16 bytes";
    const detail = `\`Sec-WebSocket-Key\` ${fault}. A WebSocket client sends a new random key each time.`;
    return { code: "expected_websocket", detail };
  }
  return undefined;
}

/** Base64 of 16 bytes. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** Text for a client's handshake that arrives without its hop-by-hop headers. */
const LOST_UPGRADE =
  "A WebSocket client sent this request, but `Upgrade: websocket` or `Connection: Upgrade` is missing. " +
  "A proxy on the way probably removed it: configure the proxy to pass WebSockets on. In nginx: " +
  "`proxy_http_version 1.1`, `proxy_set_header Upgrade $http_upgrade` and " +
  '`proxy_set_header Connection "upgrade"`.';

/** True if a header that is a list contains an entry, compared without case. */
function listHas(header: string | null, entry: string): boolean {
  return header !== null && header.split(",").some((found) => found.trim().toLowerCase() === entry);
}

/**
 * Turns the request into a socket. Return the response to the server unchanged.
 * @throws {TypeError} if the request is not a complete handshake, for example without a key
 */
export function performUpgrade(
  request: Request,
  upgrade: PendingUpgrade,
  deps: UpgradeDeps,
): Response {
  const { connections, limits, log, metrics, now, rates } = deps;
  const traceparent = traceParent(request);
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
  // Not the request id: a middleware such as Hono's requestId may let the client choose that.
  const id = crypto.randomUUID();
  const about = {
    socket: id,
    request_id: upgrade.requestId,
    route: upgrade.route,
    user: user.id,
    traceparent,
  };
  const socket = new ServerSocket({
    raw,
    id,
    user,
    protocol: protocol ?? "",
    handlers,
    limits: upgrade.maxFrameBytes === undefined
      ? limits
      : { ...limits, maxFrameBytes: upgrade.maxFrameBytes },
    queuedFrames: upgrade.queuedFrames,
    handshakeWatch: connections.handshakeWatch,
    onFailure: (handler, error) =>
      log.error("socket.handler_failed", { ...about, handler, ...errorFields(error) }),
    onFlood: () => rates.flooded(user.id),
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
 * Rewrites the list of offered subprotocols. Deno (2.1.4 and 2.9.6) splits the list at ", " only
 * and throws if it does not contain the selected entry. Clients that send `a,b`, as Node's ws does,
 * could select nothing. Deno reads `request.headers`, which are immutable on a served request, so
 * the request gets a copy. A copy costs an eighth of a join's allocations, so only such requests
 * get one. Remove this once Deno splits at the comma.
 */
function replaceOfferedSubprotocols(request: Request, offered: string): void {
  const headers = new Headers(request.headers);
  headers.set("sec-websocket-protocol", offered);
  Object.defineProperty(request, "headers", { value: headers });
}
