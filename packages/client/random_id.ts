/**
 * Creates a unique id of 32 characters. Unlike `crypto.randomUUID` it works on pages without https.
 */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join("");
}
