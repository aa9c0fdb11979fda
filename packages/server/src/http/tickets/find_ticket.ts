import type { Context } from "hono";
import { asksForWebSocket } from "../../socket/handshake.ts";
import type { AppEnv } from "../context.ts";

/**
 * The ticket of a request for a socket or an event stream; undefined for other requests, so that
 * nothing else uses it up.
 */
export function findTicket(c: Context<AppEnv>): string | undefined {
  const { queryTicket } = c.env;
  return queryTicket !== undefined && (isHandshake(c.req.raw) || asksForEvents(c)) ? queryTicket : undefined;
}

/** True also for a handshake without `Upgrade`, as after some proxies: its refusal names them. */
function isHandshake(request: Request): boolean {
  return asksForWebSocket(request) || request.method === "GET" && request.headers.has("sec-websocket-key");
}

function asksForEvents(c: Context<AppEnv>): boolean {
  if (c.req.method !== "GET") return false;
  return c.get("isEventStream") === true || acceptsEventStream(c.req.raw.headers);
}

/** True if a client accepts event streams, as EventSource does. */
export function acceptsEventStream(headers: Headers): boolean {
  return /(^|,)\s*text\/event-stream\s*(;|,|$)/i.test(headers.get("accept") ?? "");
}
