import { deadline } from "@std/async";
import {
  bytesOfText,
  formatHead,
  type HeaderFields,
  headerOf,
  parseHttpResponse,
  textOfBytes,
} from "./http_head.ts";
import { PATIENCE_MS } from "./socket_client.ts";
import { readHead, writeAll } from "./tcp_connection.ts";

/** A response read from a TCP connection. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Header lines of a complete WebSocket handshake. */
export const HANDSHAKE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
] as const;

/** Encodes a GET request with these header lines and `Host`; corrects nothing. */
export function encodeGet(target: string, headerLines: readonly string[]): Uint8Array {
  const head = formatHead(`GET ${target} HTTP/1.1`, ["Host: 127.0.0.1", ...headerLines]);
  return new TextEncoder().encode(head);
}

/** Sends a GET request over TCP exactly as given, and reads the response. */
export async function rawGet(
  port: number,
  target: string,
  headerLines: readonly string[] = [],
): Promise<RawResponse> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(connection, encodeGet(target, headerLines));
  return await deadline(readResponse(connection), PATIENCE_MS);
}

async function readResponse(connection: Deno.TcpConn): Promise<RawResponse> {
  const received = await readHead(connection);
  const head = received && parseHttpResponse(received.text);
  if (!head) {
    throw new Error(
      `Expected an HTTP/1.1 response head, received ${received?.text ?? "none before the end"}.`,
    );
  }
  const chunk = new Uint8Array(16_384);
  // One character per byte, so that lengths count bytes; the complete body is decoded as UTF-8.
  let rest = textOfBytes(received.rest);
  for (;;) {
    let body = completeBody(rest, head.headers);
    if (body === undefined) {
      const read = await connection.read(chunk);
      if (read === null) body = rest;
      else rest += textOfBytes(chunk.subarray(0, read));
    }
    if (body === undefined) continue;
    const headers = new Headers(head.headers.map(([name, value]): [string, string] => [name, value]));
    return { status: head.status, headers, body: new TextDecoder().decode(bytesOfText(body)) };
  }
}

/** Returns the body once it is complete. Deno 2.1.4 sends chunks where 2.9 sends a length. */
function completeBody(rest: string, headers: HeaderFields): string | undefined {
  if (headerOf(headers, "transfer-encoding") !== "chunked") {
    const length = Number(headerOf(headers, "content-length") ?? 0);
    return rest.length >= length ? rest.slice(0, length) : undefined;
  }
  let body = "";
  for (let start = 0;;) {
    const lineEnd = rest.indexOf("\r\n", start);
    const length = parseInt(rest.slice(start, lineEnd), 16);
    if (lineEnd < 0 || rest.length < lineEnd + 2 + length + 2) return undefined;
    if (length === 0) return body;
    body += rest.slice(lineEnd + 2, lineEnd + 2 + length);
    start = lineEnd + 2 + length + 2;
  }
}
