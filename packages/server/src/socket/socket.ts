import type { User } from "../auth/user.ts";
import type { ErrorCode, ErrorDetails } from "../../../protocol/error_codes.ts";

/**
 * An endpoint's view of an open WebSocket. It may be kept and used at any time: calls on a closed
 * socket do nothing.
 */
export interface Socket {
  /** Unique id of the connection; the log calls it `socket`. */
  readonly id: string;
  /** User that the verified token of the upgrade names. */
  readonly user: User;
  /** Selected subprotocol; empty if there is none. */
  readonly protocol: string;
  /** True while frames can be sent. */
  readonly isOpen: boolean;
  /** Number of messages that have arrived, handled or not. */
  readonly received: number;
  /**
   * True while more than `SLOW_BUFFERED_BYTES` are buffered for sending: leave out optional
   * messages.
   */
  readonly isSlow: boolean;
  /**
   * Sends text or bytes. Returns false and sends nothing if the socket is not open. Closes with
   * 1013 if more than `MAX_BUFFERED_BYTES` are buffered for the client.
   */
  send(data: string | ArrayBuffer | Uint8Array): boolean;
  /**
   * Resolves once the socket is no longer slow, or closed. Closes with 1013 if it stays slow for 30
   * s.
   */
  drained(): Promise<void>;
  /** Sends a value as JSON text. Returns like `send`. */
  sendJson(value: unknown): boolean;
  /**
   * Sends an `error` frame. `details.message` replaces the code's own text. Returns like `send`.
   */
  sendError(code: ErrorCode, details?: ErrorDetails): boolean;
  /**
   * Closes the socket, by default with 1000. Cuts reasons over 123 bytes. A second call does
   * nothing.
   */
  close(code?: number, reason?: string): void;
}

/** Close code and reason of a socket that has ended. */
export interface SocketClose {
  /** Close code of the peer or of the endpoint; 1006 if the connection broke. */
  readonly code: number;
  readonly reason: string;
}

/** Details of a drain for one socket. */
export interface DrainNotice {
  /** The host's reason, such as `wall_clock`, or the name of a signal. */
  readonly reason: string;
  /** True if almost no CPU time is left: leave out everything that the peer does not need. */
  readonly isImmediate: boolean;
  /**
   * Delay before the peer should reconnect, in milliseconds; differs by peer to spread the load.
   */
  readonly reconnectAfterMs: number;
}

/**
 * Handlers of an endpoint. The handlers of one socket run one after the other, in the order of the
 * events, async ones included. If a handler throws or rejects, its socket gets an `error` frame and
 * the log gets a line. A failed `onOpen` also closes the socket with 1011. Other sockets are not
 * affected.
 */
export interface SocketHandlers {
  onOpen?(socket: Socket): void | Promise<void>;
  /** Handles a message: text as a string, binary as an ArrayBuffer. */
  onMessage?(socket: Socket, data: string | ArrayBuffer): void | Promise<void>;
  /**
   * Runs before a drain closes the socket with 1012. Synchronous: the socket closes right after.
   */
  onDrain?(socket: Socket, notice: DrainNotice): void;
  /** Runs exactly once for an opened socket, after all of its messages are handled. */
  onClose?(socket: Socket, close: SocketClose): void | Promise<void>;
}

/** Limits of one socket. The configuration has the defaults. */
export interface SocketLimits {
  readonly maxFrameBytes: number;
  /** Maximum frames queued behind an async handler, unless an endpoint allows more. */
  readonly maxQueuedFrames: number;
  /** Maximum bytes of those frames. */
  readonly maxQueuedBytes: number;
  /** Buffered bytes above which the socket is slow. */
  readonly slowBufferedBytes: number;
  /** Buffered bytes above which the socket is closed with 1013. */
  readonly maxBufferedBytes: number;
}
