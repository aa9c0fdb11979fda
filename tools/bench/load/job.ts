import type { DialectName } from "./dialect.ts";

/** A job for the load generator. A group is a named set of open sockets. */
export type LoadJob = OpenJob | EchoJob | FanOutJob | BurstJob | PacedJob | CloseJob;

/** Result of a job. */
export type LoadResult<Job extends LoadJob> = Job extends OpenJob ? OpenResult
  : Job extends FanOutJob | BurstJob | PacedJob ? TrafficResult
  : undefined;

/** Opens a socket for each URL, and waits until every one has joined or was refused. */
export interface OpenJob {
  readonly type: "open";
  readonly group: string;
  readonly concurrency: number;
  readonly urls: readonly string[];
  readonly dialect: DialectName;
  /** True if the server may refuse or close a socket; otherwise that ends the running job. */
  readonly mayFail?: boolean;
}

/** Sends messages on every socket, each after the echo of the one before. */
interface EchoJob {
  readonly type: "echo";
  readonly group: string;
  readonly messagesPerSocket: number;
}

/** Publishes for a while, until every member has received every message. */
export interface FanOutJob {
  readonly type: "fan-out";
  readonly group: string;
  /** Number of publishing members, each with one message on its way. */
  readonly inFlight: number;
  /** Duration of publishing; the wait for the last messages follows. */
  readonly durationMs: number;
}

/** Publishes until the isolate has closed the sockets, each member in turn. */
export interface BurstJob {
  readonly type: "burst";
  readonly group: string;
  readonly inFlight: number;
}

/**
 * Members publish periodically, each at its own moments, and ping like the client. Ends after
 * `forMs`, or once the isolate has closed the sockets.
 */
export interface PacedJob {
  readonly type: "paced";
  readonly group: string;
  /** Number of publishing members, and the period of each in milliseconds. */
  readonly publishers: number;
  readonly everyMs: number;
  /** Message, or ephemeral position of a pointer; a `keyed cursor` has a key and wants no ack. */
  readonly message: "chat" | "cursor" | "keyed cursor";
  /** Own silence after which a member pings at the next frame, like the client. */
  readonly pingEveryMs: number;
  readonly forMs: number;
  /** Seed of the random moments. */
  readonly seed: number;
}

/** Closes the group's sockets. */
interface CloseJob {
  readonly type: "close";
  readonly group: string;
}

/** Number of joined members, and of refused ones by reason. */
export interface OpenResult {
  readonly joined: number;
  readonly refused: Readonly<Record<string, number>>;
}

/** Published and delivered messages, over all members. */
export interface TrafficResult {
  readonly publishes: number;
  readonly deliveries: number;
  readonly pings: number;
  /** Time from the first publish until the isolate closed the first socket, or the job ended. */
  readonly elapsedMs: number;
  /** True if the isolate has closed sockets, or was killed. */
  readonly isEnded: boolean;
}

/** Answer to a job. */
export interface LoadAnswer<Job extends LoadJob> {
  /** Time with bytes to receive or send, without idle polling and sleep. */
  readonly busyMs: number;
  readonly result: LoadResult<Job>;
}
