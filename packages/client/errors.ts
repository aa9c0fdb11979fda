import type { ErrorCode, ErrorFrame } from "../protocol/error_codes.ts";

/**
 * Codes of the client's own errors; docs/client.md, "Errors", says what to do about each.
 *
 * - `aborted`, `closed`: by the application's signal, by `close()`
 * - `signed_out`: the token callback returned no token
 * - `token_failed`: the token callback threw (`cause`) or took too long
 * - `unreachable`: no answer over the network
 * - `refused`: the WebSocket was refused although the room answers over HTTP; with a `reason` the
 *   server's code, from code of the endpoint
 * - `disconnected`: the connection broke; `silent`: it went silent; `draining`: its isolate ended
 * - `ended`: the server closed for good: `closeCode` is 1000, 1003, 1008 or 4400
 * - `hole`: the server sent a gap or an invalid frame; the client resumes from before it
 * - `offline`: there is no connection for a request that cannot wait
 * - `outbox_full`: the outbox has reached its limit
 * - `outcome_unknown`: the client cannot determine if a message was stored, or if a call has run
 * - `user_changed`: the token is another user's; the first user's unsent messages are rejected
 * - `overflow`: an iterator fell too far behind
 * - `storage_failed`: the outbox storage failed (`cause`)
 */
export type ClientErrorCode =
  | "aborted"
  | "closed"
  | "signed_out"
  | "token_failed"
  | "unreachable"
  | "refused"
  | "disconnected"
  | "silent"
  | "draining"
  | "ended"
  | "hole"
  | "offline"
  | "outbox_full"
  | "outcome_unknown"
  | "user_changed"
  | "overflow"
  | "storage_failed";

/** Codes of the server's errors; docs/protocol.md, section 13. */
export type ServerErrorCode = ErrorCode;

/** Every code of a `RoomError`. */
export type RoomErrorCode = ServerErrorCode | ClientErrorCode;

/** Details of a `RoomError` beside its code and text. */
export interface RoomErrorDetails {
  /** Path of the invalid field, such as `data.text`. */
  readonly field?: string | undefined;
  /** The endpoint's own code, with `refused`. */
  readonly reason?: string | undefined;
  /** Wait before a retry, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** Close code of the connection. */
  readonly closeCode?: number | undefined;
  /** Request id of a refusal, as in the function's logs. */
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** Reason of a failed call or a lost connection. Its text is for people and holds no token. */
export class RoomError extends Error {
  override readonly name = "RoomError";
  readonly code: RoomErrorCode;
  declare readonly field: string | undefined;
  declare readonly reason: string | undefined;
  declare readonly retryAfterMs: number | undefined;
  declare readonly closeCode: number | undefined;
  declare readonly requestId: string | undefined;

  constructor(code: RoomErrorCode, message: string, { cause, ...details }: RoomErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    Object.assign(this, details);
  }
}

/** Converts an `error` frame. */
export function errorOf({ code, message, field, reason, retry_after_ms }: ErrorFrame): RoomError {
  return new RoomError(code, message, { field, reason, retryAfterMs: retry_after_ms });
}
