import type { Refusal } from "./refusal.ts";

/** A client's connection that is given to an isolate. */
export interface Connection {
  /** True if it was upgraded. */
  readonly isSocket: boolean;
  /** When the isolate last sent something on it, or got it, by the host's clock. */
  readonly heardAt: number;
  /** Ends it without a close handshake; a client that has nothing of its response yet gets this one. */
  cut(refusal: Refusal): void;
}
