/**
 * The table of error codes: HTTP status, wait and public text. Codes never change, since clients
 * switch on them. Specified in docs/protocol.md, "Error codes".
 */

/** Meaning of one code to a client. */
export interface ErrorMeaning {
  /** HTTP status of the error before the upgrade. */
  readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 415 | 426 | 429 | 500 | 503;
  /** Title of the problem document, the same for every request. */
  readonly title: string;
  /** Text if the error brings no more exact one. Names the next step. */
  readonly detail: string;
  /** True if the same request can succeed later without a change. */
  readonly retryable: boolean;
  /** Seconds for `Retry-After`, for retryable codes. */
  readonly retryAfterSeconds?: number;
}

/** Every code that the server answers with. */
export const ERRORS = {
  missing_token: {
    status: 401,
    title: "Missing token",
    detail:
      "Send the user's access token: `Authorization: Bearer …`, a subprotocol `jwt-…`, or the query parameter `token`.",
    retryable: false,
  },
  invalid_token: {
    status: 401,
    title: "Invalid token",
    detail: "The token was not accepted. Sign in again and use the new access token.",
    retryable: false,
  },
  token_expired: {
    status: 401,
    title: "Token expired",
    detail: "The token has expired. Refresh the session and connect with the new access token.",
    retryable: false,
  },
  invalid_ticket: {
    status: 401,
    title: "Invalid ticket",
    detail: "The ticket is used, expired, for another path, or none. Request a new one for each connect.",
    retryable: false,
  },
  auth_unavailable: {
    status: 503,
    title: "Authentication unavailable",
    detail: "The token cannot be verified right now. It may be good: keep it and try again.",
    retryable: true,
    retryAfterSeconds: 5,
  },
  expected_websocket: {
    status: 400,
    title: "Expected WebSocket upgrade",
    detail: "This address speaks WebSocket only. Connect with a WebSocket client.",
    retryable: false,
  },
  unsupported_websocket_version: {
    status: 426,
    title: "Unsupported WebSocket version",
    detail: "This server speaks version 13 of WebSocket (RFC 6455). Send `Sec-WebSocket-Version: 13`.",
    retryable: false,
  },
  invalid_request: {
    status: 400,
    title: "Invalid request",
    detail: "A part of the request is not valid.",
    retryable: false,
  },
  forbidden: {
    status: 403,
    title: "Forbidden",
    detail: "This user may not do that.",
    retryable: false,
  },
  not_found: {
    status: 404,
    title: "Not found",
    detail: "There is nothing at this address. `GET /realtime` lists what there is.",
    retryable: false,
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    detail: "This address does not take this method. The header `Allow` lists the methods that it takes.",
    retryable: false,
  },
  unsupported_media_type: {
    status: 415,
    title: "Unsupported media type",
    detail: "The body has to be JSON. Send `Content-Type: application/json`.",
    retryable: false,
  },
  too_large: {
    status: 413,
    title: "Too large",
    detail: "The body is larger than a frame may be.",
    retryable: false,
  },
  too_many_connections: {
    status: 429,
    title: "Too many connections",
    detail: "This user has as many open connections as one user may have. Close one first.",
    retryable: true,
    retryAfterSeconds: 10,
  },
  overloaded: {
    status: 503,
    title: "Overloaded",
    detail: "This isolate takes no more connections. Connect again: another isolate will answer.",
    retryable: true,
    retryAfterSeconds: 1,
  },
  room_full: {
    status: 503,
    title: "Room full",
    detail: "The room has as many members as one isolate takes. Try again later.",
    retryable: true,
    retryAfterSeconds: 10,
  },
  not_joined: {
    status: 400,
    title: "Not joined",
    detail: "This socket is not in that room. Send `join` first.",
    retryable: false,
  },
  too_many_rooms: {
    status: 429,
    title: "Too many rooms",
    detail:
      "This socket is in as many rooms as one may be (`limits.max_rooms`). Leave one, or open another socket.",
    retryable: true,
    retryAfterSeconds: 1,
  },
  rate_limited: {
    status: 429,
    title: "Rate limited",
    detail: "Too many frames or requests. Wait for `retry_after_ms`, then send the same again.",
    retryable: true,
    retryAfterSeconds: 1,
  },
  unavailable: {
    status: 503,
    title: "Unavailable",
    detail:
      "Rooms cannot be reached right now. Send the same again, under the same `id`, after `retry_after_ms`.",
    retryable: true,
    retryAfterSeconds: 1,
  },
  internal: {
    status: 500,
    title: "Internal error",
    detail: "Something failed on our side. The request id finds it in the function's logs.",
    retryable: true,
    retryAfterSeconds: 1,
  },
  invalid_frame: {
    status: 400,
    title: "Invalid frame",
    detail: "The message is not what this endpoint understands.",
    retryable: false,
  },
  refused: {
    status: 403,
    title: "Refused",
    detail: "The endpoint's own code refused this. `reason` says why.",
    retryable: false,
  },
  timeout: {
    status: 503,
    title: "Timeout",
    detail: "The endpoint's own code took too long. It may have done a part of its work.",
    retryable: true,
    retryAfterSeconds: 1,
  },
} as const;

/** A stable error code. */
export type ErrorCode = keyof typeof ERRORS;

/** The `error` frame; docs/protocol.md, "Errors". */
export interface ErrorFrame {
  readonly type: "error";
  readonly code: ErrorCode;
  readonly message: string;
  /** The room, on a socket for many rooms. */
  readonly room?: string | undefined;
  /** True if the socket is not in the room any more, or not joined it. */
  readonly ended?: true | undefined;
  /** Id of the frame that this answers. */
  readonly id?: string | undefined;
  /** Path of the invalid field. */
  readonly field?: string | undefined;
  /** The endpoint's own code for `refused`. */
  readonly reason?: string | undefined;
  /** Wait before a retry; present with every retryable code. */
  readonly retry_after_ms?: number | undefined;
}

/** Fields of an `error` frame beside its code. */
export interface ErrorDetails {
  /** Replaces the code's own text. Clients see it: no token, no secret, no stack. */
  readonly message?: string;
  /** The room, on a socket for many rooms: `ENDPOINT/ID`. */
  readonly room?: string | undefined;
  /** True if this ends a membership of such a socket, or refuses it. */
  readonly ended?: true | undefined;
  readonly id?: string | undefined;
  readonly field?: string | undefined;
  readonly reason?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** Builds the `error` frame of a code. */
export function errorFrame(code: ErrorCode, details: ErrorDetails = {}): ErrorFrame {
  // The annotation holds every entry of the table to its type.
  const { detail, retryAfterSeconds }: ErrorMeaning = ERRORS[code];
  const { message = detail, room, ended, id, field, reason } = details;
  const retryAfterMs = details.retryAfterMs ??
    (retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000);
  return {
    ...(room === undefined ? {} : { room }),
    type: "error",
    code,
    message,
    ...(ended === undefined ? {} : { ended }),
    ...(id === undefined ? {} : { id }),
    ...(field === undefined ? {} : { field }),
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
  };
}
