import type { User } from "../auth/user.ts";
import type { ErrorCode, ErrorDetails } from "../../../protocol/error_codes.ts";

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
  /** How many messages have arrived, handled or not. */
  readonly received: number;
  /** True while more than `SLOW_BUFFERED_BYTES` wait to be sent: leave out what can be left out. */
  readonly isSlow: boolean;
  /**
   * Sends text or bytes. Returns false, and sends nothing, when the socket is not open. A client that lets more than
   * `MAX_BUFFERED_BYTES` pile up is closed with 1013.
   */
  send(data: string | ArrayBuffer | Uint8Array): boolean;
  /** Resolves when the socket is not slow any more, or closed; a client that stays slow for half a minute is closed with 1013. */
  drained(): Promise<void>;
  /** Sends a value as JSON text; returns like `send`. */
  sendJson(value: unknown): boolean;
  /** Sends an `error` frame; its text is the code's own unless `details` has a better one. Returns like `send`. */
  sendError(code: ErrorCode, details?: ErrorDetails): boolean;
  /** Closes the socket, 1000 by default; a reason over 123 bytes is cut. Closing twice does nothing. */
  close(code?: number, reason?: string): void;
}

/** How a socket ended. */
export interface SocketClose {
  /** The peer's close code, ours, or 1006 when the connection broke. */
  readonly code: number;
  readonly reason: string;
}

/** What a socket's peer is to know of a drain. */
export interface DrainNotice {
  /** The host's reason, such as `wall_clock`, or a signal's name. */
  readonly reason: string;
  /** Hardly any CPU is left: what the peer does not need is to be left out. */
  readonly hurried: boolean;
  /** How long the peer should wait before it connects again, in milliseconds: so that not all come at once. */
  readonly reconnectAfterMs: number;
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
  /** The isolate is about to go, and the socket is closed with 1012 right after this. Not async: there is no time. */
  onDrain?(socket: Socket, notice: DrainNotice): void;
  /** Runs exactly once for a socket that was opened, after every message has been handled. */
  onClose?(socket: Socket, close: SocketClose): void | Promise<void>;
}

/** The limits of one socket; the configuration has the defaults. */
export interface SocketLimits {
  readonly maxFrameBytes: number;
  /** Frames that may wait while an async handler works, unless an endpoint says more. */
  readonly maxQueuedFrames: number;
  /** Bytes of such frames. */
  readonly maxQueuedBytes: number;
  /** From here on the socket is slow. */
  readonly slowBufferedBytes: number;
  /** From here on it is closed. */
  readonly maxBufferedBytes: number;
}
