/**
 * Keys that break a viewer's client: it takes `ids` for a row change, and inherited names for
 * members (supabase-js up to 2.119).
 */
function breaksClients(key: string): boolean {
  // Deno 2.1 has no `__proto__` of its own. Viewers do.
  return key === "ids" || key === "__proto__" || key in Object.prototype;
}

/** Longest key, in characters. */
const MAX_KEY_LENGTH = 255;

/** The reason to refuse a client's presence key; undefined for a good one. */
export function keyProblem(key: string): string | undefined {
  if (key.length > MAX_KEY_LENGTH) {
    return `InvalidPresenceKey: The presence key is longer than ${MAX_KEY_LENGTH} characters`;
  }
  if (!breaksClients(key)) return undefined;
  return `InvalidPresenceKey: The presence key ${key} breaks the clients of other members. Choose another key`;
}

/** The key of a member of the rooms protocol, whose user's id may be any text. */
export function keyOfUser(user: string): string {
  return breaksClients(user) ? `user:${user}` : user;
}
