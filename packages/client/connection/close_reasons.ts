import { CLOSE_ERRORS } from "../../protocol/close_codes.ts";
import type { ServerFrame } from "../../protocol/frames.ts";
import { RoomError, type RoomErrorCode } from "../errors.ts";

/** Fields of a connection's last frame that may tell its end; other frames have none of them. */
export interface LastFrame {
  readonly type?: ServerFrame["type"];
  readonly id?: string | undefined;
  readonly room?: string | undefined;
  readonly code?: RoomErrorCode;
  readonly retry_after_ms?: number | undefined;
  readonly reconnect_after_ms?: number;
}

/**
 * Error for the end of a connection, from its close code and its last frame. WebKit reports 1006
 * for 1012 and 1013, as others do when the network breaks. So a frame that announced the end counts
 * then. An error with an `id` announces none: it answers a request. One of a `room` ends only that.
 */
export function closeReason(closeCode: number, reason: string, last: LastFrame): RoomError {
  const codes: { readonly [closeCode: number]: RoomErrorCode } = CLOSE_ERRORS;
  const { type, id, room, code: lastCode, retry_after_ms, reconnect_after_ms = retry_after_ms } = last;
  const announced = type === "draining" ? type : id || room ? undefined : lastCode;
  const code = codes[closeCode] ?? announced ?? "disconnected";
  const text = `The connection ended: ${reason || code} (${closeCode}).`;
  return new RoomError(code, text, { closeCode, retryAfterMs: reconnect_after_ms });
}

/** Errors that another attempt cannot fix. */
const FATAL = /^(ended|too_large|forbidden|not_found|invalid_request|signed_out)$/;
/** Errors that another token can fix. */
const ABOUT_TOKEN = /^(missing_token|invalid_token|token_expired)$/;

/** Reaction to a failure to connect or to a connection's end; docs/protocol.md, 14.1. */
export function reactionTo({ code }: RoomError): "reconnect" | "fresh_token" | "stop" {
  if (FATAL.test(code)) return "stop";
  return ABOUT_TOKEN.test(code) ? "fresh_token" : "reconnect";
}
