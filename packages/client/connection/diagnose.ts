import type { Addresses } from "./addresses.ts";
import { RoomError, type RoomErrorCode } from "../errors.ts";

/** Dependencies of a diagnosis. */
export interface DiagnosisDeps {
  readonly addresses: Addresses;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  /** The refused address's `history`, since that can be the reason. */
  readonly history: number | undefined;
}

/**
 * Finds the reason of a refused upgrade, which browsers hide. Requests `/whoami` with the same
 * token, then the room's event stream, which is refused for the same reasons as the upgrade. Never
 * throws; returns `unreachable` if nothing answers.
 */
export async function diagnose(token: string, deps: DiagnosisDeps): Promise<RoomError> {
  const { addresses, signal, history } = deps;
  const urls = [addresses.whoami];
  if (addresses.events) {
    const events = new URL(addresses.events);
    if (history) events.searchParams.set("history", `${history}`);
    urls.push(events);
  }
  try {
    for (const url of urls) {
      const headers = { authorization: `Bearer ${token}` };
      const response = await deps.fetch(url.href, { headers, signal });
      if (!response.ok) return await readProblem(response);
      // The event stream would stay open.
      await response.body?.cancel();
    }
  } catch (cause) {
    return new RoomError("unreachable", "The server cannot be reached.", { cause });
  }
  return new RoomError("refused", "Only the WebSocket was refused.");
}

/** Reads the server's problem document. A gateway's or a proxy's answer gives its status only. */
export async function readProblem(response: Response): Promise<RoomError> {
  // Not a number if it is a date.
  const headerMs = Number(response.headers.get("retry-after")) * 1000 || undefined;
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
    // Not JSON, so not from this server.
  }
  return new RoomError("unreachable", `The server answered with status ${response.status}.`, {
    retryAfterMs: headerMs,
  });
}
