/**
 * Close codes that this function sends. Which of them a client answers with a reconnect is said in
 * docs/protocol.md, "Close codes".
 */
export const CLOSE = {
  /** All done, nobody's fault. */
  done: 1000,
  /** A binary frame where text is spoken. */
  unsupportedData: 1003,
  /** A frame above the limit. */
  frameTooBig: 1009,
  /** Our fault: the endpoint could not set the socket up. */
  internal: 1011,
  /** This isolate is about to go: reconnect and resume. */
  isolateGoing: 1012,
  /** The peer reads too slowly: reconnect later. */
  tooSlow: 1013,
  /** More frames than are taken in before the earlier ones are done with. */
  flood: 4429,
} as const;

/** The longest close reason that a WebSocket close frame can hold, in bytes of UTF-8. */
export const MAX_CLOSE_REASON_BYTES = 123;
