import { CLOSE_ERRORS } from "../../protocol/close_codes.ts";
import { RoomError, type RoomErrorCode } from "../errors.ts";

/** Error for the end of a connection, from its close frame. */
export function closeReason(closeCode: number, reason: string): RoomError {
  const codes: { readonly [closeCode: number]: RoomErrorCode } = CLOSE_ERRORS;
  const code = codes[closeCode] ?? "disconnected";
  return new RoomError(code, `The connection ended: ${reason || code} (${closeCode}).`, { closeCode });
}

/** Errors that another attempt cannot fix. */
const FATAL = new Set<RoomErrorCode>([
  "ended",
  "too_large",
  "forbidden",
  "not_found",
  "invalid_request",
  "signed_out",
]);
/** Errors that another token can fix. */
const ABOUT_TOKEN = new Set<RoomErrorCode>(["missing_token", "invalid_token", "token_expired"]);

/** Reaction to a failure to connect or to a connection's end; docs/protocol.md, 14.1. */
export function reactionTo({ code }: RoomError): "reconnect" | "fresh_token" | "stop" {
  if (FATAL.has(code)) return "stop";
  return ABOUT_TOKEN.has(code) ? "fresh_token" : "reconnect";
}
