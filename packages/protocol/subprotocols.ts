/** Subprotocol of the rooms protocol. The server selects it whenever a client offers it. */
export const REALTIME_V1 = "realtime.v1";

/**
 * Prefix of a subprotocol entry that carries a token. The server reads the entry and never selects
 * it.
 */
export const TOKEN_SUBPROTOCOL_PREFIX = "jwt-";

/** Splits a `Sec-WebSocket-Protocol` header: `a, b`, or `a,b` as Node's ws sends it. */
export function parseSubprotocols(header: string | null): string[] {
  if (!header) return [];
  return header.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
}

/** Returns the first of `ours` that the client offered. A token entry is never selected. */
export function selectSubprotocol(offered: readonly string[], ours: readonly string[]): string | undefined {
  return ours.find((name) => !name.startsWith(TOKEN_SUBPROTOCOL_PREFIX) && offered.includes(name));
}
