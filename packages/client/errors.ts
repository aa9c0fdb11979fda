import type { ErrorCode, ErrorFrame } from "../protocol/error_codes.ts";

/**
 * Codes that the client gives; docs/client.md, "Errors", says when and what to do.
 *
 * - `aborted`, `closed`: by the application's signal, by `close()`
 * - `signed_out`: the token callback returned no token
 * - `token_failed`: it threw, or took too long; `cause` has what it threw
 * - `unreachable`: no answer over the network
 * - `refused`: the WebSocket was refused although the room answers over HTTP
 * - `disconnected`: the connection broke; `silent`: it went silent; `draining`: its isolate went
 * - `ended`: the server closed for good: `closeCode` is 1000, 1003, 1008 or 4400
 * - `hole`: the server left out or garbled something; the client resumes from before it
 * - `offline`: what cannot wait was asked for while not connected
 * - `outbox_full`: as many messages wait as may
 * - `outcome_unknown`: whether a message was stored can no longer be found out
 * - `user_changed`: the token is another user's; what the first one left unsent is not sent in the other's name
 * - `overflow`: an iterator was not read for too long
 * - `storage_failed`: the outbox could not be kept; `cause` has why
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

/** What a `RoomError` says beside its code and text. */
export interface RoomErrorDetails {
  /** The field that is wrong, such as `data.text`. */
  readonly field?: string | undefined;
  /** When trying again makes sense, in milliseconds from now. */
  readonly retryAfterMs?: number | undefined;
  /** The close code of the connection's end. */
  readonly closeCode?: number | undefined;
  /** Finds a refused request in the function's logs. */
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** Why something was not done, or why the room is not connected. Its text is for people and holds no token. */
export class RoomError extends Error {
  override readonly name = "RoomError";
  readonly code: RoomErrorCode;
  declare readonly field: string | undefined;
  declare readonly retryAfterMs: number | undefined;
  declare readonly closeCode: number | undefined;
  declare readonly requestId: string | undefined;

  constructor(code: RoomErrorCode, message: string, { cause, ...details }: RoomErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    Object.assign(this, details);
  }
}

/** What an error frame says. */
export function errorOf({ code, message, field, retry_after_ms }: ErrorFrame): RoomError {
  return new RoomError(code, message, { field, retryAfterMs: retry_after_ms });
}
