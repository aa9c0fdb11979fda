import { RoomError, type RoomErrorCode } from "../errors.ts";

/** Close codes that this client sends: it is done; it drops a connection to make another. */
export const CLOSE = { done: 1000, replaced: 4000 } as const;

/** What a close code of the server says; any other is a connection that broke. */
const CLOSES = new Map<number, RoomErrorCode>([
  [1000, "ended"],
  [1003, "ended"],
  [1008, "ended"],
  [1009, "too_large"],
  [1012, "draining"],
  [1013, "unavailable"],
  [4400, "ended"],
  [4401, "token_expired"],
  [4403, "forbidden"],
  [4408, "silent"],
  [4429, "rate_limited"],
]);

/** Why a connection has ended, from its close frame. */
export function endingOf(closeCode: number, reason: string): RoomError {
  const code = CLOSES.get(closeCode) ?? "disconnected";
  return new RoomError(code, `The connection ended: ${reason || code} (${closeCode}).`, { closeCode });
}

/** Trying again cannot help. */
const FATAL = new Set<RoomErrorCode>([
  "ended",
  "too_large",
  "forbidden",
  "not_found",
  "invalid_request",
  "signed_out",
]);
/** Another token can help. */
const ABOUT_TOKEN = new Set<RoomErrorCode>(["missing_token", "invalid_token", "token_expired"]);

/** What a failure to connect, or a connection's end, is answered with; docs/protocol.md, 14.1. */
export function reactionTo({ code }: RoomError): "reconnect" | "fresh_token" | "stop" {
  if (FATAL.has(code)) return "stop";
  return ABOUT_TOKEN.has(code) ? "fresh_token" : "reconnect";
}
