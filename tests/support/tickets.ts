import { assertEquals } from "@std/assert";
import type { RunningServer } from "./running_server.ts";

/** Options of a request for a ticket. */
export interface TicketOptions {
  /** `alice` by default. */
  readonly user?: string;
  /** Token to use instead of a fresh one of `user`. */
  readonly token?: string;
  /** Sent as JSON; no body if undefined. */
  readonly body?: unknown;
}

/** Requests a ticket. */
export async function askForTicket(
  { origin, issuer }: Pick<RunningServer, "origin" | "issuer">,
  { user = "alice", token, body }: TicketOptions = {},
): Promise<Response> {
  const headers = { authorization: `Bearer ${token ?? await issuer.token(user)}` };
  return await fetch(`${origin}/realtime/tickets`, {
    method: "POST",
    ...(body === undefined ? { headers } : {
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
}

/** Requests a ticket, which must be granted, and returns it. */
export async function ticketOf(
  running: Pick<RunningServer, "origin" | "issuer">,
  options: TicketOptions = {},
): Promise<string> {
  const response = await askForTicket(running, options);
  const text = await response.text();
  assertEquals(response.status, 201, text);
  return JSON.parse(text).ticket;
}
