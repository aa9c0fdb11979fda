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
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16_384);
  let text = "";
  for (;;) {
    const read = await connection.read(buffer);
    if (read !== null) text += decoder.decode(buffer.subarray(0, read), { stream: true });
    const [head, ...rest] = text.split("\r\n\r\n");
    if (head === undefined || rest.length === 0) {
      if (read === null) throw new Error(`The connection ended within the head of a response: ${text}`);
      continue;
    }
    const [statusLine = "", ...headerLines] = head.split("\r\n");
    const headers = new Headers(headerLines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }));
    const body = rest.join("\r\n\r\n");
    const length = Number(headers.get("content-length") ?? 0);
    if (read === null || new TextEncoder().encode(body).byteLength >= length) {
      return { status: Number(statusLine.split(" ")[1]), headers, body };
    }
  }
}
