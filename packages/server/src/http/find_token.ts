import type { Context } from "hono";
import { bearerToken, subprotocolToken } from "../auth/credential.ts";
import type { AppEnv } from "./context.ts";

/** A place of a request that can hold a token. */
export type TokenPlace = "header" | "subprotocol" | "query";

/** Every place, in the order of docs/protocol.md, rule 2.2. */
export const TOKEN_PLACES: readonly TokenPlace[] = ["header", "subprotocol", "query"];

/**
 * The request's token, from the first of `places` that holds one, good or bad; undefined when none
 * does. `header` is `Authorization: Bearer …`, `subprotocol` is an entry `jwt-…`, `query` is the
 * parameter `token` or its alias `jwt`.
 */
export function findToken(
  c: Context<AppEnv>,
  places: readonly TokenPlace[] = TOKEN_PLACES,
): string | undefined {
  for (const place of places) {
    const token = readToken(c, place);
    if (token !== undefined) return token;
  }
  return undefined;
}

function readToken(c: Context<AppEnv>, place: TokenPlace): string | undefined {
  switch (place) {
    case "header":
      return bearerToken(c.req.raw.headers.get("authorization"));
    case "subprotocol":
      return subprotocolToken(c.req.raw.headers.get("sec-websocket-protocol"));
    case "query":
      return c.env.queryToken;
    default:
      return place satisfies never;
  }
}
