import type { Addresses } from "./addresses.ts";
import { RoomError, type RoomErrorCode } from "../errors.ts";

/** What is asked with. */
export interface DiagnosisParts {
  readonly addresses: Addresses;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  /** Whether history was asked for: that can be refused too. */
  readonly history: string | undefined;
}

/**
 * Finds out why an upgrade was refused, which a browser does not tell: asks `/whoami` with the same token, and if that is well the room's own
 * stream of events, which is refused for the same reasons as the upgrade. Never throws; `unreachable` when nothing answers.
 */
export async function diagnose(token: string, parts: DiagnosisParts): Promise<RoomError> {
  const { addresses, signal, history } = parts;
  const events = new URL(addresses.events);
  if (history !== undefined) events.searchParams.set("history", history);
  try {
    for (const url of [addresses.whoami, events]) {
      const headers = { authorization: `Bearer ${token}` };
      const response = await parts.fetch(url.href, { headers, signal });
      if (!response.ok) return await readProblem(response);
      // The stream of events would go on.
      await response.body?.cancel();
    }
  } catch (cause) {
    return new RoomError("unreachable", "The server cannot be reached.", { cause });
  }
  return new RoomError("refused", "The WebSocket was refused although the room answers over HTTP.");
}

/** The room's refusal; of what is not in its form (a gateway's, a proxy's) only the status is told. */
async function readProblem(response: Response): Promise<RoomError> {
  const retryAfterSeconds = Number(response.headers.get("retry-after"));
  const headerMs = retryAfterSeconds > 0 ? retryAfterSeconds * 1000 : undefined;
  const text = await response.text();
  try {
    const { code, detail, field, retry_after_ms, request_id } = JSON.parse(text);
    if (typeof code === "string" && typeof detail === "string") {
      return new RoomError(code as RoomErrorCode, detail, {
        field,
        retryAfterMs: retry_after_ms ?? headerMs,
        requestId: request_id,
      });
    }
  } catch {
    // Not JSON: not from us.
  }
  return new RoomError("unreachable", `The server answered with status ${response.status}.`, {
    retryAfterMs: headerMs,
  });
}
