/** The rooms protocol's name among WebSocket subprotocols; selected whenever a client offers it. */
export const REALTIME_V1 = "realtime.v1";

/** A subprotocol entry that carries a token starts so; it is read and never selected. */
export const TOKEN_SUBPROTOCOL_PREFIX = "jwt-";

/** Splits a `Sec-WebSocket-Protocol` header; both `a, b` and `a,b` (what Node's ws sends) are lists. */
export function parseSubprotocols(header: string | null): string[] {
  if (!header) return [];
  return header.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
}

/** The first of `ours` that the client offered, or undefined. A token entry is never selected. */
export function selectSubprotocol(offered: readonly string[], ours: readonly string[]): string | undefined {
  return ours.find((name) => !name.startsWith(TOKEN_SUBPROTOCOL_PREFIX) && offered.includes(name));
}
