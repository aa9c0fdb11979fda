import type { Context } from "hono";
import { bearerToken, subprotocolToken } from "../auth/credential.ts";
import type { AppEnv } from "./context.ts";
import { findTicket } from "./tickets/find_ticket.ts";

/** A place of a request that can hold a token. */
export type TokenPlace = "header" | "subprotocol" | "query";

/** Every place, in the order of docs/protocol.md, rule 2.2. */
export const TOKEN_PLACES: readonly TokenPlace[] = ["header", "subprotocol", "query"];

/**
 * The request's token, from the first of `places` that holds one, good or bad; else its one-use
 * ticket; undefined when there is none. Pass either to `verifyUser`. `header` is
 * `Authorization: Bearer …`, `subprotocol` is an entry `jwt-…`, `query` is the parameter `token` or
 * its alias `jwt`. A ticket is no token, so `places` do not concern it: whoever wants no token in
 * an address leaves out `query`.
 */
export function findToken(
  c: Context<AppEnv>,
  places: readonly TokenPlace[] = TOKEN_PLACES,
): string | undefined {
  for (const place of places) {
    const token = readToken(c, place);
    if (token !== undefined) return token;
  }
  return findTicket(c);
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
