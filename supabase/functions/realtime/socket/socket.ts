import type { User } from "../auth/user.ts";
import type { ErrorCode } from "../protocol/errors.ts";

/** What an endpoint sees of an open WebSocket. Safe to keep and to use at any time: on a closed socket nothing happens. */
export interface Socket {
  /** Unique among all connections; in the log as `socket`. */
  readonly id: string;
  /** The user that the token of the upgrade was verified to be. */
  readonly user: User;
  /** The selected subprotocol; empty when there is none. */
  readonly protocol: string;
  /** True while frames can be sent. */
  readonly isOpen: boolean;
  /**
   * Sends text or bytes. Returns false, and sends nothing, when the socket is not open. A client that lets more than
   * `MAX_BUFFERED_BYTES` pile up is closed with 1013.
   */
  send(data: string | ArrayBuffer | Uint8Array): boolean;
  /** Sends a value as JSON text; returns like `send`. */
  sendJson(value: unknown): boolean;
  /** Sends an `error` frame; `message` defaults to the code's own text, `field` names what is wrong. */
  sendError(code: ErrorCode, message?: string, field?: string): boolean;
  /** Closes the socket, 1000 by default; a reason over 123 bytes is cut. Closing twice does nothing. */
  close(code?: number, reason?: string): void;
}

/** How a socket ended. */
export interface SocketClose {
  /** The peer's close code, ours, or 1006 when the connection broke. */
  readonly code: number;
  readonly reason: string;
}

/**
 * What an endpoint does with a socket. For one socket the handlers run one after the other, in the order of what
 * happened, async ones included. A handler that throws or rejects costs its own socket an `error` frame and the log a
 * line (`onOpen` closes the socket too, with 1011); nobody else notices.
 */
export interface SocketHandlers {
  onOpen?(socket: Socket): void | Promise<void>;
  /** Text arrives as a string, binary as an ArrayBuffer. */
  onMessage?(socket: Socket, data: string | ArrayBuffer): void | Promise<void>;
  /** Runs exactly once for a socket that was opened, after every message has been handled. */
  onClose?(socket: Socket, close: SocketClose): void | Promise<void>;
}

/** The limits of one socket; the configuration has the defaults. */
export interface SocketLimits {
  readonly maxFrameBytes: number;
  readonly maxQueuedFrames: number;
  readonly maxBufferedBytes: number;
}
