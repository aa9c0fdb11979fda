/** Where isolates share rooms. */
export type StoreName = "postgres" | "redis";

/** What the store's worker is asked, one at a time. */
export type StoreJob =
  /** Connects sides for latency: sockets of two servers of ours and of two bare ones, two backplanes, and a bare pair of connections. */
  | {
    readonly type: "connect";
    readonly store: StoreName;
    readonly url: string;
    /** Addresses of one room in two servers: where is published, and where it is waited for. Without them there are no sockets. */
    readonly rooms?: readonly [string, string];
    /** The same of two relays. */
    readonly relays?: readonly [string, string];
  }
  /** Publishes one message after the other; answers with `number[]`, milliseconds until each was delivered. */
  | { readonly type: "latencies"; readonly side: LatencySide; readonly count: number }
  /** Publishes with so many in flight; answers with how many a second (`number`). */
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
 * `sockets`: two function processes; `relays`: two processes that send on with the store's client alone; `backplanes`: two backplanes in
 * one process; `bare`: the store's client alone.
 */
export type LatencySide = "sockets" | "relays" | "backplanes" | "bare";
/** `bare`: single-row inserts one at a time, or Redis PUBLISH with as many in flight. */
export type ThroughputSide = "backplane" | "bare";
