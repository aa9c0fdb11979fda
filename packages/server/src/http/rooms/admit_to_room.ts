import { type ErrorCode, ERRORS } from "../../../../protocol/error_codes.ts";
import type { Admission, AdmitToRoom, RoomJoin } from "../../rooms/shared/admission.ts";
import type { RequestBindings } from "../context.ts";

/** The upgrade of a socket for many rooms: the part of its context that joins need. */
export interface SocketUpgrade {
  readonly env: RequestBindings;
  readonly req: { readonly url: string; readonly raw: Request };
}

/**
 * Creates the decision about joins over a socket for many rooms: a request to the room's own
 * address through the app, with the headers of the socket's upgrade. So all middleware, policies, schemas
 * and limits in front of the room decide as for a socket of its own.
 */
export function createAdmitToRoom({ env, req }: SocketUpgrade): AdmitToRoom {
  const { deps, dispatch, queryApiKey, queryTicket, queryToken, remoteAddr, verified } = env;
  // The runtime may drop the headers of a request once it is a socket.
  const headers = new Headers(req.raw.headers);
  const base = new URL(req.url);
  base.search = "";
  base.pathname = base.pathname.replace(/\/[^/]*\/?$/, "/");

  return async function admitToRoom(join, user) {
    const address = addressOf(join, base);
    const bindings: RequestBindings = {
      deps,
      dispatch,
      queryToken,
      queryTicket,
      queryApiKey,
      remoteAddr,
      // The token was verified at the upgrade, and the user may have a newer one by now.
      verified: verified?.user.id === user.id ? { token: verified.token, user } : undefined,
      join: { request: undefined },
      upgrade: undefined,
    };
    const response = await dispatch(new Request(address, { headers }), bindings);
    if (response.status === 101 && bindings.join?.request) return { request: bindings.join.request };
    return await refusalOf(response);
  };
}

function addressOf({ room, after, epoch, connection, history }: RoomJoin, base: URL): URL {
  const address = new URL(room, base);
  const query = Object.entries({ after, epoch, connection, history });
  for (const [name, value] of query) if (value !== undefined) address.searchParams.set(name, String(value));
  return address;
}

/** The part of a problem document that an `error` frame has too. */
interface Problem {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly field?: unknown;
  readonly retry_after_ms?: unknown;
}

/** The refusal of a response; `not_found` for one that is no room's. */
async function refusalOf(response: Response): Promise<Extract<Admission, { code: ErrorCode }>> {
  if (response.headers.get("content-type") !== "application/problem+json") {
    await response.body?.cancel();
    return { code: codeOf(response.status), details: {} };
  }
  const { code, detail, field, retry_after_ms: retryAfterMs }: Problem = await response.json();
  return {
    code: isErrorCode(code) ? code : codeOf(response.status),
    details: {
      ...(typeof detail === "string" ? { message: detail } : {}),
      ...(typeof field === "string" ? { field: frameField(field) } : {}),
      ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
    },
  };
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERRORS, code);
}

/** Code of a response that middleware made without a problem document. */
function codeOf(status: number): ErrorCode {
  if (status === 401) return "invalid_token";
  if (status === 403) return "forbidden";
  if (status === 429) return "rate_limited";
  if (status === 503) return "unavailable";
  return status >= 500 ? "internal" : "not_found";
}

/** The field of the `join` frame for a part of the address. */
function frameField(field: string): string {
  return field === "param.id" ? "room" : field.replace(/^query\./, "");
}
