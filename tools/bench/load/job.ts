import type { DialectName } from "./dialect.ts";

/** A job for the load generator. A group is a named set of open sockets. */
export type LoadJob = OpenJob | EchoJob | FanOutJob | CloseJob;

/** Opens a socket for each URL, and waits until every one has joined. */
export interface OpenJob {
  readonly type: "open";
  readonly group: string;
  readonly concurrency: number;
  readonly urls: readonly string[];
  readonly dialect: DialectName;
}

/** Sends messages on every socket, each after the echo of the one before. */
interface EchoJob {
  readonly type: "echo";
  readonly group: string;
  readonly messagesPerSocket: number;
}

/** Publishes into the group's only room; the answer has a result. */
export interface FanOutJob {
  readonly type: "fan-out";
  readonly group: string;
  /** Number of publishing members, each with one message on its way. */
  readonly inFlight: number;
  /** Duration of publishing; the wait for the last messages follows. */
  readonly durationMs: number;
}

/** Closes the group's sockets. */
interface CloseJob {
  readonly type: "close";
  readonly group: string;
}

/** Totals of a fan-out job, over all members. */
export interface FanOutResult {
  readonly publishes: number;
  readonly deliveries: number;
  /** WebSocket messages that contained the deliveries. */
  readonly webSocketMessages: number;
  readonly bytes: number;
}

/** Cost of a job for the load generator itself. */
export interface LoadUse {
  /** Number of sockets of the job. */
  readonly sockets: number;
  readonly wallMs: number;
  /** Time with bytes to receive or send, without idle polling and sleep. */
  readonly busyMs: number;
  /** Processor time of the thread, idle polling included. */
  readonly cpuMs: number;
}

/** Answer to a job. */
export interface LoadAnswer {
  readonly use: LoadUse;
  /** Result of a fan-out job. */
  readonly result?: FanOutResult;
}

/** Message of every echo: 100 bytes of JSON. */
export const ECHO_TEXT = JSON.stringify({ type: "chat", text: "x".repeat(73) });

/** Prefix that the echo endpoint adds. */
export const ECHO_PREFIX = "Echo: ";
