import { HeadReader, MAX_HEAD_BYTES, type ReceivedHead } from "./http_head.ts";

const CHUNK_BYTES = 8_192;

/**
 * Reads an HTTP head; `before` holds bytes that were read earlier. Returns undefined if the stream
 * ends first or the head is over `MAX_HEAD_BYTES`.
 */
export async function readHead(
  connection: Deno.TcpConn,
  before: Uint8Array = new Uint8Array(0),
): Promise<ReceivedHead | undefined> {
  const reader = new HeadReader();
  const chunk = new Uint8Array(CHUNK_BYTES);
  let head = reader.push(before);
  while (!head && reader.size <= MAX_HEAD_BYTES) {
    const read = await connection.read(chunk);
    if (read === null) return undefined;
    head = reader.push(chunk.subarray(0, read));
  }
  return head;
}

/** Writes all bytes; one `write` of Deno may send only a part. */
export async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** Closes a connection that may be closed already. */
export function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
