import { deadline } from "@std/async";
import { encodeGet, HANDSHAKE } from "./raw_request.ts";
import { closeQuietly, readHead, writeAll } from "./tcp_connection.ts";

/** A TCP connection that the server switched to WebSocket. */
export interface UpgradedConnection {
  readonly connection: Deno.TcpConn;
  /** First bytes of frames, which arrived together with the response. */
  readonly rest: Uint8Array;
}

/** Options of an upgrade. */
interface UpgradeOptions {
  /** Header lines beside those of the handshake. */
  readonly headerLines?: readonly string[];
  /** Limit for the whole handshake, in milliseconds. */
  readonly timeoutMs: number;
}

/** Connects to a `ws:` URL and completes the handshake; rejects unless the response is a 101. */
export async function openUpgraded(url: string, options: UpgradeOptions): Promise<UpgradedConnection> {
  const { hostname, port, pathname, search } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  try {
    // Nagle's algorithm would hold a frame back until the frame before is acknowledged.
    connection.setNoDelay();
    const request = encodeGet(pathname + search, [...HANDSHAKE, ...options.headerLines ?? []]);
    const rest = await deadline(upgrade(connection, request), options.timeoutMs);
    return { connection, rest };
  } catch (error) {
    closeQuietly(connection);
    throw error;
  }
}

async function upgrade(connection: Deno.TcpConn, request: Uint8Array): Promise<Uint8Array> {
  await writeAll(connection, request);
  const head = await readHead(connection);
  if (head?.text.startsWith("HTTP/1.1 101 ")) return head.rest;
  throw new Error(
    head ? `The upgrade was answered with ${head.text}` : "The connection ended within the response's head.",
  );
}
