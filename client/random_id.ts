/** An id that nobody else has: 22 characters. Works on pages that were not loaded over https too, unlike `crypto.randomUUID`. */
export function randomId(): string {
  let text = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(22))) text += ALPHABET[byte & 63];
  return text;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
