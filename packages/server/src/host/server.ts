import type { RequestHandler } from "./request_handler.ts";

/** A server that answers requests, but does not listen. */
export interface Server {
  /** Answers a request below the app's base path. */
  readonly fetch: RequestHandler;
  /**
   * Refuses new sockets with 503 from now on, and closes the open ones with 1012 within
   * DRAIN_SECONDS. Resolves once they are closed. Clients receive `reason`, for example `SIGTERM`:
   * that one spreads the closes over DRAIN_SECONDS, other reasons close all sockets at once.
   */
  drain(reason: string): Promise<void>;
  /** Releases timers and connections to the backplane. Call it after `drain`. */
  close(): Promise<void>;
}
