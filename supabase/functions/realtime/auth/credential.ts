/**
 * Where a token may stand in a request, and in which order it is looked for (docs/protocol.md, "Handshake").
 */
import { parseSubprotocols, TOKEN_SUBPROTOCOL_PREFIX } from "../protocol/subprotocols.ts";

/** The query parameters that may carry a token, in order. */
const TOKEN_PARAMETERS = ["token", "jwt"] as const;

/**
 * The request's token, from the first of `Authorization: Bearer …`, a subprotocol `jwt-…`, the query parameter
 * `token`, its alias `jwt`. A later place is not looked at once an earlier one holds a token, good or bad.
 */
export function findToken(request: Request): string | undefined {
  return bearerToken(request.headers.get("authorization")) ??
    subprotocolToken(request.headers.get("sec-websocket-protocol")) ??
    queryToken(request.url);
}

/**
 * The same address without any token parameter, or undefined when there is none to take away. What a middleware
 * logs of the address can then not contain a token.
 */
export function urlWithoutToken(url: string): string | undefined {
  // Most requests have no query; parsing a URL costs more than looking.
  const start = url.indexOf("?");
  if (start < 0) return undefined;
  const parsed = new URL(url);
  const holding = TOKEN_PARAMETERS.filter((name) => parsed.searchParams.has(name));
  if (holding.length === 0) return undefined;
  for (const name of holding) parsed.searchParams.delete(name);
  return parsed.href;
}

function bearerToken(header: string | null): string | undefined {
  const match = header?.match(/^Bearer +(\S+) *$/i);
  return match?.[1];
}

function subprotocolToken(header: string | null): string | undefined {
  const entry = parseSubprotocols(header).find((offered) => offered.startsWith(TOKEN_SUBPROTOCOL_PREFIX));
  return entry?.slice(TOKEN_SUBPROTOCOL_PREFIX.length) || undefined;
}

function queryToken(url: string): string | undefined {
  const start = url.indexOf("?");
  if (start < 0) return undefined;
  const query = new URLSearchParams(url.slice(start + 1));
  for (const name of TOKEN_PARAMETERS) {
    const value = query.get(name);
    if (value) return value;
  }
  return undefined;
}
