/** Reads a token out of each place of a request that may hold one (docs/protocol.md, rule 2.2). */
import { parseSubprotocols, TOKEN_SUBPROTOCOL_PREFIX } from "../../../protocol/subprotocols.ts";

/** The query parameters that may carry a token, in order. */
const TOKEN_PARAMETERS: readonly string[] = ["token", "jwt"];

/**
 * The same address without any token parameter, or undefined when there is none to take away. What a middleware
 * logs of the address can then not contain a token.
 */
export function urlWithoutToken(url: string): string | undefined {
  const start = url.indexOf("?");
  if (start < 0) return undefined;
  // By hand: this is done for every connect, and `URL` with its `searchParams` costs five times as much.
  const parameters = url.slice(start + 1).split("&");
  const kept = parameters.filter((parameter) => !TOKEN_PARAMETERS.includes(nameOf(parameter)));
  if (kept.length === parameters.length) return undefined;
  return kept.length === 0 ? url.slice(0, start) : `${url.slice(0, start)}?${kept.join("&")}`;
}

/** The token of an `Authorization` header, or undefined. */
export function bearerToken(header: string | null): string | undefined {
  const match = header?.match(/^Bearer +(\S+) *$/i);
  return match?.[1];
}

/** The token of a `Sec-WebSocket-Protocol` header, or undefined. */
export function subprotocolToken(header: string | null): string | undefined {
  const entry = parseSubprotocols(header).find((offered) => offered.startsWith(TOKEN_SUBPROTOCOL_PREFIX));
  return entry?.slice(TOKEN_SUBPROTOCOL_PREFIX.length) || undefined;
}

/** The token in the query of an address, or undefined: `token`, else its alias `jwt`. */
export function queryToken(url: string): string | undefined {
  const start = url.indexOf("?");
  if (start < 0) return undefined;
  const parameters = url.slice(start + 1).split("&");
  for (const name of TOKEN_PARAMETERS) {
    const parameter = parameters.find((candidate) => nameOf(candidate) === name);
    const value = parameter && decode(valueOf(parameter));
    if (value) return value;
  }
  return undefined;
}

/** The decoded name of a query parameter. */
function nameOf(parameter: string): string {
  const end = parameter.indexOf("=");
  return decode(end < 0 ? parameter : parameter.slice(0, end));
}

/** The value of a query parameter, as it stands; empty when it has none. */
function valueOf(parameter: string): string {
  const end = parameter.indexOf("=");
  return end < 0 ? "" : parameter.slice(end + 1);
}

/** Decodes a part of a query as a form does; most parts, tokens among them, have nothing to decode. */
function decode(part: string): string {
  return /[%+]/.test(part) ? new URLSearchParams(`part=${part}`).get("part") ?? "" : part;
}
