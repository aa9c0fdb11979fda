import type { Described } from "./openapi.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import type { RunningServer } from "./running_server.ts";

/** A good body of `POST …/messages`. */
export const MESSAGE = { id: "h1", event: "chat", data: { text: "ü" } };

/** Options of a request. */
export interface Ask {
  /** `r` by default. */
  readonly room?: string;
  readonly query?: string;
  /** `MESSAGE` by default, where there has to be one. */
  readonly body?: unknown;
  /** A token of alice's by default. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Asks a socket endpoint without a handshake. */
  readonly plain?: boolean;
}

/** Asks an operation as the document says it is asked: one that opens a socket with a handshake. */
export async function ask(
  running: RunningServer,
  { method, path }: Described,
  how: Ask = {},
): Promise<Response> {
  const target = `/realtime${path.replace("{id}", how.room ?? "r")}?${how.query ?? ""}`;
  const headers = how.headers ?? { authorization: `Bearer ${await running.issuer.token("alice")}` };
  if (/\/(echo|socket|\{id\})$/.test(path) && !how.plain) {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const raw = await rawGet(running.port, target, [...lines, ...HANDSHAKE]);
    // A Response cannot have the status 101.
    return raw.status === 101
      ? new Response(null, { status: 204, headers: { "x-status": "101" } })
      : new Response(raw.body, raw);
  }
  return await fetch(`${running.origin}${target}`, {
    method,
    headers: method === "POST" ? { ...headers, "content-type": "application/json" } : headers,
    ...(method === "POST" ? { body: JSON.stringify("body" in how ? how.body : MESSAGE) } : {}),
  });
}
