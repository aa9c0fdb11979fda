import type { Context, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { routePath } from "hono/route";
import type { AllowedMethods } from "../allowed_methods.ts";
import type { AppEnv } from "../context.ts";
import { BackplaneUnavailable } from "../../backplane/contract.ts";
import { errorFields } from "../../observability/log.ts";
import { TooManyReads } from "../../rooms/read_limits.ts";
import { Refusal } from "../../rooms/server_code/refuse.ts";
import { TookTooLong } from "../../rooms/server_code/within_time.ts";
import { type ErrorCode, type ErrorMeaning, ERRORS } from "../../../../protocol/error_codes.ts";

/** Details of a problem document beside those of its code. */
export interface ProblemOptions {
  /** Replaces the code's own text. Clients see it: no token, no secret, no stack. */
  readonly detail?: string;
  /** The wrong part of the request, such as `query.limit`. */
  readonly field?: string;
  /** The endpoint's own code for `refused`. */
  readonly reason?: string;
  /** Replaces the wait of a code that may succeed later, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * Thrown to refuse a request: answered as `application/problem+json` (RFC 9457) with the code's
 * status.
 */
export class RequestProblem extends Error {
  override readonly name = "RequestProblem";
  readonly code: ErrorCode;
  readonly options: ProblemOptions;

  constructor(code: ErrorCode, options: ProblemOptions = {}) {
    super(code);
    this.code = code;
    this.options = options;
  }
}

/** The refusal of a part of a request, such as `param`: names the first field that is wrong. */
export function invalidPart(
  target: string,
  issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined,
): RequestProblem {
  const field = [target, ...(issue?.path ?? []).map(String)].join(".");
  return new RequestProblem("invalid_request", { detail: `${field}: ${issue?.message}`, field });
}

/** Prefix of a problem's `type`; docs/protocol.md, section 2. */
const PROBLEM_TYPE_PREFIX = "urn:realtime-edge:problem:";

/** The problem document of a code. */
export function problemResponse(code: ErrorCode, requestId: string, options: ProblemOptions = {}): Response {
  const { status, title, detail, retryAfterSeconds }: ErrorMeaning = ERRORS[code];
  const { retryAfterMs = retryAfterSeconds && retryAfterSeconds * 1000, ...rest } = options;
  const headers = new Headers({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-request-id": requestId,
  });
  if (retryAfterMs !== undefined) headers.set("retry-after", String(Math.ceil(retryAfterMs / 1000)));
  if (status === 401) headers.set("www-authenticate", challenge(code));
  if (code === "expected_websocket" || code === "unsupported_websocket_version") {
    headers.set("upgrade", "websocket");
    // RFC 6455, section 4.4: the versions that the server speaks.
    headers.set("sec-websocket-version", "13");
  }
  const retry = retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs };
  const type = `${PROBLEM_TYPE_PREFIX}${code}`;
  const body = { type, title, status, code, detail, ...rest, ...retry, request_id: requestId };
  return new Response(JSON.stringify(body), { status, headers });
}

/** Answers with a problem, and counts it. */
export function refuse(c: Context<AppEnv>, code: ErrorCode, options: ProblemOptions = {}): Response {
  c.env.deps.metrics.refused(code);
  return problemResponse(code, c.get("requestId"), options);
}

/**
 * The app's `onError`: refusals become their problem, anything else `internal` and a line in the
 * log.
 */
export function answerProblem(error: Error, c: Context<AppEnv>): Response {
  const { requestId } = c.var;
  const deps = c.env?.deps;
  // The app was not served through the engine: there is no log, and the caller should see why.
  if (!deps) throw error;
  if (error instanceof RequestProblem) return refuse(c, error.code, error.options);
  // Hono's own validator throws this for a body that is not JSON.
  if (error instanceof HTTPException && error.status === 400) {
    return refuse(c, "invalid_request", { detail: error.message });
  }
  if (error instanceof TooManyReads) return refuse(c, "rate_limited");
  if (error instanceof Refusal) return refuse(c, "refused", { detail: error.message, reason: error.reason });
  if (error instanceof BackplaneUnavailable) {
    deps.log.warn("backplane.unavailable", { request_id: requestId, ...errorFields(error) });
    return refuse(c, "unavailable");
  }
  if (error instanceof TookTooLong) return refuse(c, "timeout");
  deps.log.error("request.failed", { request_id: requestId, route: routePath(c), ...errorFields(error) });
  return refuse(c, "internal");
}

/**
 * Makes the app's `notFound`: 404 for a path without a route, 405 with `Allow` for another method.
 * OPTIONS is answered with `Allow` too.
 */
export function answerNotFound(allowedMethods: AllowedMethods): NotFoundHandler<AppEnv> {
  return function answerNotFound(c) {
    const methods = allowedMethods(c.req.path);
    const { method } = c.req;
    // A route with this method called `c.notFound()` by itself.
    if (methods.length === 0 || methods.includes(method)) {
      return refuse(c, "not_found");
    }
    const response = method === "OPTIONS"
      ? new Response(null, { status: 204 })
      : refuse(c, "method_not_allowed");
    response.headers.set("allow", [...methods, "OPTIONS"].join(", "));
    return response;
  };
}

/** RFC 6750, section 3: no error is named to a client that brought no token. */
function challenge(code: ErrorCode): string {
  if (code === "missing_token") return 'Bearer realm="realtime"';
  const description = code === "token_expired" ? "The token has expired" : "The token was not accepted";
  return `Bearer realm="realtime", error="invalid_token", error_description="${description}"`;
}
