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

/** Publishes into the one room that the group's sockets are in. Answered with a FanOutResult. */
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

/** The message that every echo sends: 100 bytes of JSON. */
export const ECHO_TEXT = JSON.stringify({ type: "chat", text: "x".repeat(73) });

/** What comes back is this much longer. */
export const ECHO_PREFIX = "Echo: ";
