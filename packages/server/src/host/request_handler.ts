import type { Deps, RequestBindings } from "../http/context.ts";
import { queryApiKey, queryTicket, queryToken, urlWithoutToken } from "../auth/credential.ts";
import { errorFields } from "../observability/log.ts";
import { hideTokensInSpans } from "../observability/spans.ts";
import { type ProblemOptions, problemResponse } from "../http/middleware/problem.ts";
import type { ErrorCode } from "../../../protocol/error_codes.ts";
import { withoutRepeatedSlashes } from "./repeated_slashes.ts";
import { asksForWebSocket, type PendingUpgrade, performUpgrade } from "../socket/handshake.ts";

/** App made with `realtime()`, or a Hono app that contains one. */
export interface Fetcher {
  fetch(request: Request, bindings: RequestBindings): Response | Promise<Response>;
}

/** Answers a request; `info` is the second argument of a handler of `Deno.serve`. */
export type RequestHandler = (
  request: Request,
  info?: Pick<Deno.ServeHandlerInfo, "remoteAddr">,
) => Promise<Response>;

/**
 * Creates the handler for `Deno.serve`. It does three things that no middleware can do:
 *
 * - It removes tokens and keys from the address before the app receives the request. No middleware,
 *   for example Hono's `logger`, can then log them.
 * - It collapses repeated slashes in the path: clients that join a base with a path send them.
 * - It performs an upgrade after all middleware is complete. Deno 2.1.4 accepts only the very
 *   response that `Deno.upgradeWebSocket` made, but middleware that sets a header (cors,
 *   secureHeaders, timing) replaces the response. If middleware answers otherwise, no socket opens.
 */
export function createRequestHandler(app: Fetcher, deps: Deps): RequestHandler {
  const { connections, log, metrics, now } = deps;
  hideTokensInSpans(urlWithoutToken);

  function refuse(code: ErrorCode, requestId: string, options?: ProblemOptions): Response {
    metrics.refused(code);
    return problemResponse(code, requestId, options);
  }

  function upgradeOrProblem(request: Request, upgrade: PendingUpgrade): Response {
    // The isolate may have filled up, or begun to drain, since the route accepted the user.
    const refusal = connections.refusal(upgrade.user.id);
    if (refusal) return refuse(refusal, upgrade.requestId);
    try {
      return performUpgrade(request, upgrade, deps);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return refuse("expected_websocket", upgrade.requestId, {
        detail:
          "The WebSocket handshake is not complete. Send `Sec-WebSocket-Key` and `Connection: Upgrade`.",
      });
    }
  }

  const dispatch: RequestBindings["dispatch"] = async (request, bindings) =>
    await app.fetch(request, bindings);

  return async function handle(request, info) {
    const startedAt = now();
    const bindings: RequestBindings = {
      // Lazy, because a lookup costs a microsecond.
      get remoteAddr() {
        return info?.remoteAddr;
      },
      deps,
      dispatch,
      queryToken: queryToken(request.url),
      queryTicket: queryTicket(request.url),
      queryApiKey: queryApiKey(request.url),
      verified: undefined,
      join: undefined,
      upgrade: undefined,
    };
    try {
      const address = addressForApp(request.url);
      const seen = address === undefined ? request : atAddress(address, request);
      const response = await app.fetch(seen, bindings);
      if (response.status !== 101) return response;
      const { upgrade } = bindings;
      if (upgrade) {
        const upgraded = upgradeOrProblem(request, upgrade);
        if (upgraded.status === 101) metrics.admitted(upgrade.route, now() - startedAt);
        return upgraded;
      }
      throw new Error(
        `The route of ${
          new URL(request.url).pathname
        } answered 101 by itself. Use upgradeWebSocket of @realtime-edge/server.`,
      );
    } catch (error) {
      const requestId = crypto.randomUUID();
      log.error("request.failed", { request_id: requestId, ...errorFields(error) });
      return refuse("internal", requestId);
    }
  };
}

/** Returns the address that the app sees; undefined if it is the request's own. */
function addressForApp(url: string): string | undefined {
  const collapsed = withoutRepeatedSlashes(url);
  return urlWithoutToken(collapsed ?? url) ?? collapsed;
}

/**
 * Gives a request another address. Handshakes are the hot path: a new Request would be a quarter of
 * our cost of a connect. The request of a handshake gets its own `url` and `clone` instead. Only
 * `new Request(request)` could restore the old address, and no Hono app can upgrade after that.
 */
function atAddress(address: string, request: Request): Request {
  if (UNCOPIED_METHOD.test(request.method)) {
    return coverAddress(address, request, () => atAddress(address, Request.prototype.clone.call(request)));
  }
  if (!asksForWebSocket(request)) return copyAt(address, request);
  return coverAddress(address, request, () => copyAt(address, request));
}

/**
 * Methods that `Deno.serve` passes on, but that the constructor of Request refuses (`TRACE`) or
 * turns into another one (`get` into `GET`, which cannot have a body).
 */
const UNCOPIED_METHOD = /[a-z]|^(CONNECT|TRACE|TRACK)$/;

/** Defines `url` and `clone` on the request itself; they cover those of the prototype. */
function coverAddress(address: string, request: Request, clone: () => Request): Request {
  return Object.defineProperties(request, { url: { value: address }, clone: { value: clone } });
}

/** Copies all but the signal: Deno 2.9 logs a warning once a request's signal was read. */
function copyAt(address: string, { method, headers, body }: Request): Request {
  return new Request(address, { method, headers, body });
}
