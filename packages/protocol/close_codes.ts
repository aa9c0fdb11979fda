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

/** Close code of a client that drops a connection to open another. A client that is done sends 1000. */
export const CLOSE_REPLACED = 4000;

/** Meaning of each close code, for the docs. */
export const CLOSE_MEANINGS: Readonly<Record<(typeof CLOSE)[keyof typeof CLOSE], string>> = {
  1000: "done, nobody's fault",
  1003: "a binary frame where text is spoken",
  1008: "an endpoint's own policy; rooms do not send it",
  1009: "a frame above the limit",
  1011: "our fault: the endpoint could not set the socket up",
  1012: "this isolate is about to go: connect again and resume, another one answers",
  1013: "the client reads too slowly, or the room cannot be reached: connect again later and resume",
  4400: "an endpoint cannot understand this client at all; rooms do not send it",
  4401: "the token has expired: connect with a fresh one and resume",
  4403: "the user may not be here any more",
  4408: "the client was silent for too long: connect again and resume",
  4429: "a flood: more frames than are taken in; wait for what the last `error` said",
};

/** Longest close reason that a WebSocket close frame can hold, in bytes of UTF-8. */
export const MAX_CLOSE_REASON_BYTES = 123;

/** True if an endpoint may send the code (RFC 6455, section 7.4); 1005, 1006 and 1015 are reserved. */
export function isSendable(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999;
}
