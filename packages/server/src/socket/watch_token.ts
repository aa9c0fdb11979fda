import { CLOSE } from "../../../protocol/close_codes.ts";
import type { SessionConnection, SessionWatch } from "../auth/session_watch.ts";
import type { WallClock } from "../clocks.ts";
import type { Socket, SocketHandlers } from "./socket.ts";
import type { Timed, TimingWheel } from "./timing_wheel.ts";

/** Dependencies of connections that end with their tokens. */
export interface TokenWatchDeps {
  readonly wheel: TimingWheel;
  /** Time after the expiry until the connection is closed. */
  readonly expiryGraceMs: number;
  /** Undefined where a verified token counts until its expiry. */
  readonly sessions: SessionWatch | undefined;
  readonly wallNow: WallClock;
}

/** Text for a connection whose session has ended. */
export const SESSION_ENDED = "The user's session has ended. Sign in again.";

/**
 * Closes an endpoint's socket with 4401 when its user's session ends, and, if `closeAtExpiry`, when
 * the token has expired.
 */
export function watchToken(
  handlers: SocketHandlers,
  closeAtExpiry: boolean,
  deps: TokenWatchDeps,
): SocketHandlers {
  let watched: WatchedSocket | undefined;
  // Methods, not a spread: an endpoint's handlers may be an instance of a class.
  return {
    onOpen(socket) {
      watched = new WatchedSocket(socket, closeAtExpiry, deps);
      return handlers.onOpen?.(socket);
    },
    onMessage: (socket, data) => handlers.onMessage?.(socket, data),
    onDrain: (socket, notice) => handlers.onDrain?.(socket, notice),
    onClose(socket, close) {
      watched?.stop();
      return handlers.onClose?.(socket, close);
    },
  };
}

/** Longest time between two checks; the wheel shortens it to its revolution. */
const RARELY_MS = 3_600_000;

class WatchedSocket implements Timed, SessionConnection {
  readonly #socket: Socket;
  readonly #deps: TokenWatchDeps;

  constructor(socket: Socket, closeAtExpiry: boolean, deps: TokenWatchDeps) {
    this.#socket = socket;
    this.#deps = deps;
    if (closeAtExpiry) deps.wheel.add(this, this.#leftMs());
    deps.sessions?.add(this, socket.user);
  }

  check(): number {
    const leftMs = this.#leftMs();
    if (leftMs > 0) return leftMs;
    this.#socket.close(CLOSE.tokenExpired, "the token has expired");
    return RARELY_MS;
  }

  endSession(): void {
    this.#socket.sendError("invalid_token", { message: SESSION_ENDED });
    this.#socket.close(CLOSE.tokenExpired, "the session has ended");
  }

  stop(): void {
    this.#deps.wheel.delete(this);
    this.#deps.sessions?.delete(this);
  }

  /** Time until the token has expired and the grace period is over, in milliseconds. */
  #leftMs(): number {
    const { expiryGraceMs, wallNow } = this.#deps;
    return this.#socket.user.expiresAt * 1000 + expiryGraceMs - wallNow();
  }
}
