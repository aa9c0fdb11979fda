import type { Refusal } from "./refusal.ts";

/** Connection of a client, assigned to an isolate. */
export interface Connection {
  /** True after the upgrade. */
  readonly isSocket: boolean;
  /** Time of the last bytes from the isolate, or of the assignment, by the host's clock. */
  readonly lastActivityAt: number;
  /**
   * Ends the connection without a close handshake. A client without a response receives the
   * refusal.
   */
  cut(refusal: Refusal): void;
}
