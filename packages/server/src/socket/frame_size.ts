const encoder = new TextEncoder();

/** True if a frame is larger than `maxBytes`; text counts in bytes of UTF-8. */
export function isLargerThan(data: string | ArrayBuffer, maxBytes: number): boolean {
  if (typeof data !== "string") return data.byteLength > maxBytes;
  // One UTF-16 unit takes one to three bytes of UTF-8, so most frames need no encoding.
  if (data.length > maxBytes) return true;
  if (data.length * 3 <= maxBytes) return false;
  return encoder.encode(data).byteLength > maxBytes;
}

/** Cuts `text` to at most `maxBytes` of UTF-8, at a character boundary. */
export function cutToBytes(text: string, maxBytes: number): string {
  if (!isLargerThan(text, maxBytes)) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}
