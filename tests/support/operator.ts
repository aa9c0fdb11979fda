import type { RunningServer, StartOptions } from "./running_server.ts";
import { createApp, startServer } from "./running_server.ts";

/** The secret key of an operator. */
export const OPERATOR_KEY = "sb_secret_of_the_operator";

/** Starts a server that knows the operator's key. */
export function startWithOperator({ env, ...options }: StartOptions = {}): Promise<RunningServer> {
  return startServer({
    app: () => createApp(),
    ...options,
    env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: OPERATOR_KEY }), ...env },
  });
}

/** Answer to an operator; the body is undefined if it is empty. */
export interface OperatorAnswer {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

/** Options of a request. */
export interface OperatorRequest {
  /** The request is a POST with this body. */
  readonly body?: unknown;
  /** Headers in place of the operator's key. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request of an operator; `path` is below the base path. */
export async function operate(
  { origin }: Pick<RunningServer, "origin">,
  path: string,
  request: OperatorRequest = {},
): Promise<OperatorAnswer> {
  const { headers = { apikey: OPERATOR_KEY } } = request;
  const isPost = "body" in request;
  const response = await fetch(`${origin}/realtime${path}`, {
    headers: isPost ? { "content-type": "application/json", ...headers } : headers,
    ...(isPost ? { method: "POST", body: JSON.stringify(request.body) } : {}),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}
