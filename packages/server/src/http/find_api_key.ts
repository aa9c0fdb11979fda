import type { Context } from "hono";
import type { AppEnv } from "./context.ts";

/**
 * The request's API key, from the first of these that is not empty: the header `x-api-key`, the
 * header `apikey`, the query parameter `apikey`. Pass it to `deps.keys`.
 */
export function findApiKey(c: Context<AppEnv>): string | undefined {
  const { headers } = c.req.raw;
  return headers.get("x-api-key") || headers.get("apikey") || c.env.queryApiKey;
}
