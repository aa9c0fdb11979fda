import type { Deps, RequestBindings } from "../http/context.ts";
import { queryToken, urlWithoutToken } from "../auth/credential.ts";
import { errorFields } from "../observability/log.ts";
import { problemResponse } from "../http/middleware/problem.ts";
import { asksForWebSocket, type PendingUpgrade, performUpgrade } from "../socket/handshake.ts";

/** What createRequestHandler serves: a Hono app, or one that has ours mounted in it. */
export interface Fetcher {
  fetch(request: Request, bindings: RequestBindings): Response | Promise<Response>;
}

/** Answers a request; `info` is what `Deno.serve` knows of the peer. */
export type RequestHandler = (
  request: Request,
  info?: Pick<Deno.ServeHandlerInfo, "remoteAddr">,
) => Promise<Response>;

/**
 * Creates what `Deno.serve` calls. Around the app it does the two things that no middleware can:
 *
 * - It takes the token off the address before the app sees it, so that no middleware, Hono's `logger` for one, can log it.
 * - It performs an upgrade after the whole chain is through. Deno 2.1.4 insists on the very response that
 *   `Deno.upgradeWebSocket` made, while any middleware that sets a header (cors, secureHeaders, timing, …) replaces the
 *   response; and a chain that ends otherwise must not leave a socket behind.
 */
export function createRequestHandler(app: Fetcher, deps: Deps): RequestHandler {
  const { connections, log } = deps;

  function upgradeOrProblem(request: Request, upgrade: PendingUpgrade): Response {
    // Since the route decided, the isolate may have filled up or begun to drain.
    const refusal = connections.refusal(upgrade.user.id);
    if (refusal) return problemResponse(refusal, upgrade.requestId);
    try {
      return performUpgrade(request, upgrade, deps);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return problemResponse("expected_websocket", upgrade.requestId, {
        detail:
          "The WebSocket handshake is not complete: `Sec-WebSocket-Key` or `Connection: Upgrade` is missing.",
      });
    }
  }

  return async function handle(request, info) {
    const bindings: RequestBindings = {
      // Read when it is asked for: to look it up costs a microsecond.
      get remoteAddr() {
        return info?.remoteAddr;
      },
      deps,
      queryToken: queryToken(request.url),
      upgrade: undefined,
    };
    try {
      const address = urlWithoutToken(request.url);
      const seen = address === undefined ? request : atAddress(address, request);
      const response = await app.fetch(seen, bindings);
      if (response.status !== 101) return response;
      if (bindings.upgrade) return upgradeOrProblem(request, bindings.upgrade);
      throw new Error("A route answered 101 by itself. Use upgradeWebSocket of @realtime-edge/server.");
    } catch (error) {
      const requestId = crypto.randomUUID();
      log.error("request.failed", { request_id: requestId, ...errorFields(error) });
      return problemResponse("internal", requestId);
    }
  };
}

/**
 * The same request at another address. A handshake is the hot path, and there a new Request would cost a quarter of all that we
 * add to a connect: it gets an `url` of its own over the one of its prototype, and a `clone` that keeps to it. (Only `new
 * Request(request)` could bring the old one back, and a chain that does that to a handshake could not upgrade it in any other
 * Hono app.)
 */
function atAddress(address: string, request: Request): Request {
  if (!asksForWebSocket(request)) return copyAt(address, request);
  return Object.defineProperties(request, {
    url: { value: address },
    clone: { value: () => copyAt(address, request) },
  });
}

/** Leaves the signal out: on Deno 2.9 a request whose signal is touched costs a warning. */
function copyAt(address: string, { method, headers, body }: Request): Request {
  return new Request(address, { method, headers, body });
}
