import { deadline } from "@std/async";
import { PATIENCE_MS } from "./socket_client.ts";

/** A response read off a TCP connection. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** The header lines of a complete WebSocket handshake. */
export const HANDSHAKE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
] as const;

/** Sends a GET request byte for byte over TCP and reads the response: nothing is added, nothing corrected. */
export async function rawGet(
  port: number,
  target: string,
  headerLines: readonly string[] = [],
): Promise<RawResponse> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const lines = [`GET ${target} HTTP/1.1`, "Host: 127.0.0.1", ...headerLines, "", ""];
  const bytes = new TextEncoder().encode(lines.join("\r\n"));
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  return await deadline(readResponse(connection), PATIENCE_MS);
}

async function readResponse(connection: Deno.Conn): Promise<RawResponse> {
  const buffer = new Uint8Array(16_384);
  // One character a byte, so that lengths count bytes; the body is decoded when it is complete.
  const byByte = new TextDecoder("latin1");
  let text = "";
  for (;;) {
    const read = await connection.read(buffer);
    const ended = read === null;
    if (!ended) text += byByte.decode(buffer.subarray(0, read));
    const headLength = text.indexOf("\r\n\r\n");
    if (headLength < 0) {
      if (ended) throw new Error(`The connection ended within the head of a response: ${text}`);
      continue;
    }
    const [statusLine = "", ...headerLines] = text.slice(0, headLength).split("\r\n");
    const headers = new Headers(headerLines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }));
    const rest = text.slice(headLength + 4);
    const body = completeBody(rest, headers) ?? (ended ? rest : undefined);
    if (body === undefined) continue;
    const bytes = Uint8Array.from(body, (character) => character.charCodeAt(0));
    return { status: Number(statusLine.split(" ")[1]), headers, body: new TextDecoder().decode(bytes) };
  }
}

/** The body, once all of it is there. Deno 2.1.4 sends in chunks what 2.9 sends with its length. */
function completeBody(rest: string, headers: Headers): string | undefined {
  if (headers.get("transfer-encoding") !== "chunked") {
    const length = Number(headers.get("content-length") ?? 0);
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
