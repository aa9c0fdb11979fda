/**
 * Close codes that the server sends. docs/protocol.md, "Close codes", says which of them a client
 * answers with a reconnect.
 */
export const CLOSE = {
  done: 1000,
  unsupportedData: 1003,
  policy: 1008,
  frameTooBig: 1009,
  internal: 1011,
  isolateGoing: 1012,
  tooSlow: 1013,
  notUnderstood: 4400,
  tokenExpired: 4401,
  notAllowed: 4403,
  heartbeatMissed: 4408,
  flood: 4429,
} as const;

/** A close code of the server. */
export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE];

/** Close codes that a client sends: it is done, or it drops the connection to open another. */
export const CLIENT_CLOSE = { done: 1000, replaced: 4000 } as const satisfies {
  done: CloseCode;
  replaced: number;
};

// The tables below repeat the numbers, so that a bundle without CLOSE holds only the table it uses.

/** Error code of a client for each close code. Any other close code is `disconnected` too. */
export const CLOSE_ERRORS = {
  1000: "ended",
  1003: "ended",
  1008: "ended",
  1009: "too_large",
  1011: "disconnected",
  1012: "draining",
  1013: "unavailable",
  4400: "ended",
  4401: "token_expired",
  4403: "forbidden",
  4408: "silent",
  4429: "rate_limited",
} as const satisfies Readonly<Record<CloseCode, string>>;

/** Meaning of each close code, for the docs. */
export const CLOSE_MEANINGS: Readonly<Record<CloseCode, string>> = {
  1000: "done, nobody's fault",
  1003: "a binary frame where text is spoken",
  1008: "an endpoint's own policy; rooms do not send it",
  1009: "a frame above the limit",
  1011: "our fault: the endpoint could not set the socket up",
  1012: "this isolate is about to go: connect again and resume, another one answers",
  1013: "the client reads too slowly, or the room cannot be reached: connect again later and resume",
  4400: "an endpoint cannot understand this client at all; rooms do not send it",
  4401: "the token has expired, or its session has ended: connect with a fresh one and resume",
  4403: "the user may not be here any more",
  4408: "the client was silent for too long: connect again and resume",
  4429: "a flood: more frames than are taken in; wait for what the last `error` said",
};

/** Longest close reason that a WebSocket close frame can hold, in bytes of UTF-8. */
export const MAX_CLOSE_REASON_BYTES = 123;

/** True if an endpoint may send the code; RFC 6455, section 7.4, reserves 1005, 1006 and 1015. */
export function isSendable(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999;
}
