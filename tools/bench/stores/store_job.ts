/** Stores that share rooms between isolates. */
export type StoreName = "postgres" | "redis";

/** Job for the store's worker, one at a time. */
export type StoreJob =
  /**
   * Connects the sides of latency: sockets of two servers of ours and of two relays, two
   * backplanes, and two bare connections.
   */
  | {
    readonly type: "connect";
    readonly store: StoreName;
    readonly url: string;
    /**
     * URLs of one room in two servers: the publisher's, and the subscriber's. Optional; without
     * them the side is missing.
     */
    readonly rooms?: readonly [string, string];
    /** Same for two relays. */
    readonly relays?: readonly [string, string];
  }
  /**
   * Publishes one message after the other; answered with the milliseconds until each delivery
   * (`number[]`).
   */
  | { readonly type: "latencies"; readonly side: LatencySide; readonly count: number }
  /**
   * Publishes with `inFlight` messages on their way; answered with the rate per second (`number`).
   */
  | {
    readonly type: "throughput";
    readonly store: StoreName;
    readonly url: string;
    readonly side: ThroughputSide;
    readonly rooms: number;
    readonly count: number;
    readonly inFlight: number;
  };

/**
 * Sides of latency:
 * - `sockets`: two function processes
 * - `relays`: two processes that use the store's client alone
 * - `backplanes`: two backplanes in one process
 * - `bare`: the store's client alone
 */
export type LatencySide = "sockets" | "relays" | "backplanes" | "bare";
/**
 * Sides of throughput; `bare` means single-row inserts one at a time, or Redis PUBLISH with
 * `inFlight`.
 */
type ThroughputSide = "backplane" | "bare";
