import type { DialectName } from "./dialect.ts";

/** What the load generator can be asked to do. A group is a named set of open sockets. */
export type LoadJob = OpenJob | EchoJob | FanOutJob | CloseJob;

/** Opens a socket for each address, and waits until the server says that each is in. */
export interface OpenJob {
  readonly type: "open";
  readonly group: string;
  readonly concurrency: number;
  readonly urls: readonly string[];
  readonly dialect: DialectName;
}

/** Sends messages on every socket, each when the one before has come back. */
export interface EchoJob {
  readonly type: "echo";
  readonly group: string;
  readonly messagesPerSocket: number;
}

/** Publishes into the one room that the group's sockets are in. Answered with a result. */
export interface FanOutJob {
  readonly type: "fan-out";
  readonly group: string;
  /** As many members publish, each the next message when the one before has come back to it. */
  readonly inFlight: number;
  /** How long messages are published; then the last ones are waited for. */
  readonly durationMs: number;
}

/** Closes the group's sockets. */
export interface CloseJob {
  readonly type: "close";
  readonly group: string;
}

/** What was published and delivered, to all members together. */
export interface FanOutResult {
  readonly publishes: number;
  readonly deliveries: number;
  /** WebSocket messages that held them. */
  readonly webSocketMessages: number;
  readonly bytes: number;
}

/** What a job took of the load generator itself. */
export interface LoadUse {
  /** Sockets that the job drove. */
  readonly sockets: number;
  readonly wallMs: number;
  /** The part of it in which something had arrived or was to be sent; the rest it looked for work in vain, or slept. */
  readonly busyMs: number;
  /** Processor time of its thread, the looking included. */
  readonly cpuMs: number;
}

/** How every job is answered. */
export interface LoadAnswer {
  readonly use: LoadUse;
  /** Of a job that has one. */
  readonly result?: FanOutResult;
}

/** The message that every echo sends: 100 bytes of JSON. */
export const ECHO_TEXT = JSON.stringify({ type: "chat", text: "x".repeat(73) });

/** What comes back is this much longer. */
export const ECHO_PREFIX = "Echo: ";
