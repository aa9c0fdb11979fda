/** Bytes of a UUID that hold a name: all but those with the version and the variant. */
const NAME_BYTES = [0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 13, 14, 15] as const;
/** Value of byte 8, variant included: the other bytes are a name, or its digest. */
const HOLDS_NAME = 0x80;
const HOLDS_DIGEST = 0x81;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * Returns the id of a dev user: a UUID as in Supabase Auth, so that `auth.uid()` accepts it. It has
 * version 8 and holds the name's UTF-8, or the name's digest if that is longer than 14 bytes. An id
 * needs no list of users, and stays the same. A name that is a UUID is returned as it is.
 */
export async function idOfDevUser(name: string): Promise<string> {
  if (UUID.test(name)) return name.toLowerCase();
  const text = new TextEncoder().encode(name);
  const isShort = text.length <= NAME_BYTES.length && !text.includes(0);
  const held = isShort ? text : new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  const bytes = new Uint8Array(16);
  for (const [index, place] of NAME_BYTES.entries()) bytes[place] = held[index] ?? 0;
  bytes[6] = 0x80;
  bytes[8] = isShort ? HOLDS_NAME : HOLDS_DIGEST;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Returns the name that a dev user's id holds; undefined for other ids and for digests. */
export function nameOfDevUser(id: string): string | undefined {
  if (!UUID.test(id)) return undefined;
  const bytes = Uint8Array.from(id.replaceAll("-", "").match(/../g) ?? [], (hex) => parseInt(hex, 16));
  if (bytes[6] !== 0x80 || bytes[8] !== HOLDS_NAME) return undefined;
  const held = NAME_BYTES.map((place) => bytes[place] ?? 0);
  const end = held.indexOf(0);
  const text = Uint8Array.from(end === -1 ? held : held.slice(0, end));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(text) || undefined;
  } catch {
    return undefined;
  }
}
