import { RoomError, type RoomErrorCode } from "./errors.ts";

/** Close codes that this client sends: it is done; it drops a connection to make another. */
export const CLOSE = { done: 1000, replaced: 4000 } as const;

/** What the end of a connection is answered with; docs/protocol.md, 14.1. */
export type Reaction = "reconnect" | "fresh_token" | "stop";

interface Ending {
  readonly code: RoomErrorCode;
  readonly text: string;
  readonly reaction: Reaction;
}

/** By close code; any other is a connection that broke. */
const ENDINGS = new Map<number, Ending>([
  [1000, { code: "ended", text: "The server has ended the connection.", reaction: "stop" }],
  [1003, { code: "unsupported", text: "The server does not take such messages.", reaction: "stop" }],
  [1008, { code: "policy", text: "The server's policy does not allow this.", reaction: "stop" }],
  [1009, { code: "too_large", text: "A message was larger than the server takes.", reaction: "stop" }],
  [1012, { code: "draining", text: "The server's isolate is going.", reaction: "reconnect" }],
  [1013, {
    code: "unavailable",
    text: "The server cannot serve this connection now.",
    reaction: "reconnect",
  }],
  [4400, { code: "not_understood", text: "The server does not understand this client.", reaction: "stop" }],
  [4401, { code: "token_expired", text: "The token has expired.", reaction: "fresh_token" }],
  [4403, { code: "forbidden", text: "The user may not be here any more.", reaction: "stop" }],
  [4408, { code: "silent", text: "The server heard nothing for too long.", reaction: "reconnect" }],
  [4429, { code: "rate_limited", text: "Too many frames were sent.", reaction: "reconnect" }],
]);
const BROKEN: Ending = { code: "disconnected", text: "The connection broke.", reaction: "reconnect" };

/** What to do after a connection has ended with a code, and the reason to tell. */
export function readEnding(closeCode: number): { readonly reaction: Reaction; readonly reason: RoomError } {
  const { code, text, reaction } = ENDINGS.get(closeCode) ?? BROKEN;
  return { reaction, reason: new RoomError(code, text, { closeCode }) };
}

/** What a refused upgrade is answered with: of HTTP's codes only these say that trying again cannot help. */
export function reactionTo({ code }: RoomError): Reaction {
  if (code === "forbidden" || code === "not_found" || code === "invalid_request") return "stop";
  const isAboutToken = code === "missing_token" || code === "invalid_token" || code === "token_expired";
  return isAboutToken ? "fresh_token" : "reconnect";
}
