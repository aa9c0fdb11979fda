const encoder = new TextEncoder();

/** Whether a frame is larger than `maxBytes`; text counts in bytes of UTF-8. */
export function isLargerThan(data: string | ArrayBuffer, maxBytes: number): boolean {
  if (typeof data !== "string") return data.byteLength > maxBytes;
  // A UTF-16 unit is one to three bytes of UTF-8: most frames are decided without encoding them.
  if (data.length > maxBytes) return true;
  if (data.length * 3 <= maxBytes) return false;
  return encoder.encode(data).byteLength > maxBytes;
}

/** The longest beginning of `text` that fits `maxBytes` of UTF-8 without cutting a character. */
export function cutToBytes(text: string, maxBytes: number): string {
  if (!isLargerThan(text, maxBytes)) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}
