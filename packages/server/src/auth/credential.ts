/** Reads tokens from the places of a request that may hold one (docs/protocol.md, rule 2.2). */
import { parseSubprotocols, TOKEN_SUBPROTOCOL_PREFIX } from "../../../protocol/subprotocols.ts";

/** Query parameters that may hold a token, in order of preference. */
const TOKEN_PARAMETERS: readonly string[] = ["token", "jwt"];
/** Query parameter that holds a ticket. */
const TICKET_PARAMETERS: readonly string[] = ["ticket"];
/** Query parameter that holds an API key; Supabase's own clients send it. */
const API_KEY_PARAMETERS: readonly string[] = ["apikey"];
const SECRET_PARAMETERS: readonly string[] = [
  ...TOKEN_PARAMETERS,
  ...TICKET_PARAMETERS,
  ...API_KEY_PARAMETERS,
];

/**
 * Removes parameters of tokens, tickets and API keys from an address, so that no middleware can log
 * them with it. Undefined if the address has none.
 */
export function urlWithoutToken(url: string): string | undefined {
  const start = url.indexOf("?");
  if (start < 0) return undefined;
  // Each connect comes here, and `URL` with its `searchParams` costs five times as much.
  const parameters = url.slice(start + 1).split("&");
  const kept = parameters.filter((parameter) => !SECRET_PARAMETERS.includes(nameOf(parameter)));
  if (kept.length === parameters.length) return undefined;
  return kept.length === 0 ? url.slice(0, start) : `${url.slice(0, start)}?${kept.join("&")}`;
}

/** Reads the token of an `Authorization` header. */
export function bearerToken(header: string | null): string | undefined {
  const match = header?.match(/^Bearer +(\S+) *$/i);
  return match?.[1];
}

/** Reads the token of a `Sec-WebSocket-Protocol` header. */
export function subprotocolToken(header: string | null): string | undefined {
  const entry = parseSubprotocols(header).find((offered) => offered.startsWith(TOKEN_SUBPROTOCOL_PREFIX));
  return entry?.slice(TOKEN_SUBPROTOCOL_PREFIX.length) || undefined;
}

/** Reads the token from the query of an address: `token`, else its alias `jwt`. */
export function queryToken(url: string): string | undefined {
  return readParameter(url, TOKEN_PARAMETERS);
}

/** Reads the ticket from the query of an address. */
export function queryTicket(url: string): string | undefined {
  return readParameter(url, TICKET_PARAMETERS);
}

/** Reads the API key from the query of an address. */
export function queryApiKey(url: string): string | undefined {
  return readParameter(url, API_KEY_PARAMETERS);
}

/** Reads the first parameter that is not empty, in the order of `names`. */
function readParameter(url: string, names: readonly string[]): string | undefined {
  const start = url.indexOf("?");
  if (start < 0) return undefined;
  const parameters = url.slice(start + 1).split("&");
  for (const name of names) {
    const parameter = parameters.find((candidate) => nameOf(candidate) === name);
    const value = parameter && decode(valueOf(parameter));
    if (value) return value;
  }
  return undefined;
}

function nameOf(parameter: string): string {
  const end = parameter.indexOf("=");
  return decode(end < 0 ? parameter : parameter.slice(0, end));
}

/** Returns the encoded value of a query parameter; empty without `=`. */
function valueOf(parameter: string): string {
  const end = parameter.indexOf("=");
  return end < 0 ? "" : parameter.slice(end + 1);
}

/** Decodes a part of a query as a form does. Most parts, including tokens, contain no escapes. */
function decode(part: string): string {
  return /[%+]/.test(part) ? new URLSearchParams(`part=${part}`).get("part") ?? "" : part;
}
