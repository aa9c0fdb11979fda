import { textOfBytes } from "./request_head.ts";

/** The head of a message, without the empty line, and the bytes that came after it. */
export interface StreamHead {
  readonly text: string;
  readonly rest: Uint8Array;
}

const MAX_HEAD_BYTES = 65_536;
const CHUNK_BYTES = 8_192;

/**
 * Reads up to the empty line that ends a head, `before` being what was read already; undefined when the stream ends before, or the head gets
 * too long.
 */
export async function readHead(
  connection: Deno.TcpConn,
  before: Uint8Array = new Uint8Array(0),
): Promise<StreamHead | undefined> {
  let bytes = before;
  const chunk = new Uint8Array(CHUNK_BYTES);
  while (bytes.length <= MAX_HEAD_BYTES) {
    const text = textOfBytes(bytes);
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return { text: text.slice(0, end), rest: bytes.slice(end + 4) };
    const read = await connection.read(chunk);
    if (read === null) return undefined;
    const grown = new Uint8Array(bytes.length + read);
    grown.set(bytes);
    grown.set(chunk.subarray(0, read), bytes.length);
    bytes = grown;
  }
  return undefined;
}

/** Writes everything. */
export async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}
