/** What the load generator of hosted isolates can be asked to do. A group is a named set of sockets. */
export type HostedJob = JoinJob | TalkJob | BurstJob | CloseJob;

/** How members speak: `realtime.v1`, or no subprotocol. */
export type Speech = "rooms.v1" | "rooms";

/** Opens a member for each address; a group's members all speak alike. Answered with a JoinResult. */
export interface JoinJob {
  readonly type: "join";
  readonly group: string;
  readonly urls: readonly string[];
  readonly speech: Speech;
  /** What members publish later. */
  readonly says: "chat" | "cursor";
  readonly concurrency: number;
}

/** How many got in, and what those who did not were told, by how many. */
export interface JoinResult {
  readonly joined: number;
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * Members publish at a pace of their own, each at its own moments, and ping as the client does. Over after `forMs`, or when the isolate has
 * sent everybody away. Answered with a HeardResult.
 */
export interface TalkJob {
  readonly type: "talk";
  readonly group: string;
  /** So many of the group publish. */
  readonly talkers: number;
  /** Each of them as often. */
  readonly everyMs: number;
  /** As often who speaks realtime.v1 and publishes seldomer pings, as the client does: HEARTBEAT_MS. */
  readonly pingEveryMs: number;
  readonly forMs: number;
  /** Decides the moments. */
  readonly seed: number;
}

/**
 * Publishes as fast as the isolate takes it until that has sent everybody away: so many messages are under way, each by another member than
 * the one before. Answered with a HeardResult.
 */
export interface BurstJob {
  readonly type: "burst";
  readonly group: string;
  readonly inFlight: number;
}

/** Closes the group's sockets. */
export interface CloseJob {
  readonly type: "close";
  readonly group: string;
}

/** What members published and were delivered. */
export interface HeardResult {
  readonly publishes: number;
  readonly deliveries: number;
  /** WebSocket messages that held them. */
  readonly webSocketMessages: number;
  readonly bytes: number;
  readonly pings: number;
  /** `error` frames: refused publishes. */
  readonly errors: number;
  /** From the first publish until the first member was sent away, or the job was over. */
  readonly elapsedMs: number;
  /** True if the isolate has sent members away, or was killed. */
  readonly isEnded: boolean;
}
