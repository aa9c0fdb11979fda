/**
 * Close codes that this function sends, each with what it means. Which of them a client answers with a reconnect is said in
 * docs/protocol.md, "Close codes".
 */
export const CLOSE = {
  done: 1000,
  unsupportedData: 1003,
  frameTooBig: 1009,
  internal: 1011,
  isolateGoing: 1012,
  tooSlow: 1013,
  flood: 4429,
} as const;

/** What each close code says, for the docs. */
export const CLOSE_MEANINGS: Readonly<Record<(typeof CLOSE)[keyof typeof CLOSE], string>> = {
  1000: "done, nobody's fault",
  1003: "a binary frame where text is spoken",
  1009: "a frame above the limit",
  1011: "our fault: the endpoint could not set the socket up",
  1012: "this isolate is about to go: connect again, another one answers",
  1013: "the client reads too slowly: connect again later",
  4429: "more frames than are taken in before the earlier ones are handled",
};

/** The longest close reason that a WebSocket close frame can hold, in bytes of UTF-8. */
export const MAX_CLOSE_REASON_BYTES = 123;
