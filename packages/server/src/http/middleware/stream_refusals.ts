import { createMiddleware } from "hono/factory";
import { CLOSE } from "../../../../protocol/close_codes.ts";
import { type ErrorCode, ERRORS } from "../../../../protocol/error_codes.ts";
import { closeEvent, EVENT_STREAM_HEADERS, reconnectAfter } from "../../socket/close_event.ts";
import type { AppEnv } from "../context.ts";
import { acceptsEventStream } from "../tickets/find_ticket.ts";

/**
 * Answers a refusal that may succeed later with 200 and a stream that ends at once, if the client
 * accepts event streams. EventSource reconnects after the end of a stream, and never again after
 * any other status (docs/protocol.md, rule 12.12).
 */
export const refuseAsStream = createMiddleware<AppEnv>(async function refuseAsStream(c, next) {
  c.set("isEventStream", true);
  await next();
  if (c.res.status < 400 || c.req.method !== "GET") return;
  if (!acceptsEventStream(c.req.raw.headers)) return;
  const refusal = await readRefusal(c.res);
  if (!refusal) return;
  c.set("refusal", refusal.code);
  const close = { code: CLOSE.tooSlow, reason: refusal.code };
  // Hono keeps the headers of the refusal, such as those for pages, except its content type.
  c.res = new Response(closeEvent(close, reconnectAfter(refusal.retryAfterMs, c.env.deps.random)), {
    headers: EVENT_STREAM_HEADERS,
  });
});

/** Reads the refusal of a problem document; undefined unless it may succeed later. */
async function readRefusal(
  response: Response,
): Promise<{ readonly code: ErrorCode; readonly retryAfterMs: number } | undefined> {
  if (response.headers.get("content-type") !== "application/problem+json") return undefined;
  const { code, retry_after_ms: retryAfterMs }: { code?: string; retry_after_ms?: unknown } = await response
    .clone().json();
  const isRefusal = isErrorCode(code) && ERRORS[code].retryable && typeof retryAfterMs === "number";
  return isRefusal ? { code, retryAfterMs } : undefined;
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERRORS, code);
}
