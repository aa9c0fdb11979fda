/** Job for the load generator of hosted isolates. A group is a named set of sockets. */
export type HostedJob = JoinJob | PacedJob | BurstJob | CloseJob;

/** Dialect of members: `rooms.v1` selects the subprotocol `realtime.v1`, `rooms` none. */
export type ClientDialect = "rooms.v1" | "rooms";

/**
 * Opens a member for each URL. All members of a group have one dialect. Answered with a JoinResult.
 */
export interface JoinJob {
  readonly type: "join";
  readonly group: string;
  readonly urls: readonly string[];
  readonly dialect: ClientDialect;
  /** Kind of message that members publish. */
  readonly messageKind: "chat" | "cursor";
  readonly concurrency: number;
}

/** Number of joined members, and of refused ones by reason. */
export interface JoinResult {
  readonly joined: number;
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * Members publish periodically, each at its own moments, and ping like the client. Ends after
 * `forMs`, or once the isolate has closed the sockets. Answered with a TrafficResult.
 */
export interface PacedJob {
  readonly type: "paced";
  readonly group: string;
  /** Number of publishing members. */
  readonly publishers: number;
  /** Period of each publisher, in milliseconds. */
  readonly everyMs: number;
  /** Ping period of `rooms.v1` members that publish less often, like the client's: HEARTBEAT_MS. */
  readonly pingEveryMs: number;
  readonly forMs: number;
  /** Seed of the random moments. */
  readonly seed: number;
}

/**
 * Publishes as fast as the isolate allows until it has closed the sockets, with `inFlight` messages
 * on their way, from one member after the other. Answered with a TrafficResult.
 */
export interface BurstJob {
  readonly type: "burst";
  readonly group: string;
  readonly inFlight: number;
}

interface CloseJob {
  readonly type: "close";
  readonly group: string;
}

/** Published and delivered messages. */
export interface TrafficResult {
  readonly publishes: number;
  readonly deliveries: number;
  /** WebSocket messages that contained the deliveries. */
  readonly webSocketMessages: number;
  readonly bytes: number;
  readonly pings: number;
  /** Number of `error` frames, which are refused publishes. */
  readonly errors: number;
  /** Time from the first publish until the isolate closed the first socket, or the job ended. */
  readonly elapsedMs: number;
  /** True if the isolate has closed sockets, or was killed. */
  readonly isEnded: boolean;
}
