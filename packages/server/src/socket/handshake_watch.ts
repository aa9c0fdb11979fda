/** A socket whose opening or closing handshake is not through yet. */
export interface ShakingSocket {
  /** Ends the socket as if its connection had broken. */
  giveUp(): void;
}

/** Half of the longest time that a handshake may take; it is a matter of milliseconds. */
const ROUND_MS = 1_500;

/**
 * Gives up on sockets that do not open, and on those that do not close. Of a peer that went away before its upgrade was through Deno
 * 2.1.4 tells an error and no close, Deno 2.9.6 nothing at all; and a peer that does not answer a close frame keeps its socket until
 * TCP gives up: without this their places would be taken for so long. One timer serves all sockets, since a timer for each
 * would be a twentieth of a connect's cost: a socket is given up when a whole round has passed, so after one to two rounds.
 */
export class HandshakeWatch {
  #thisRound = new Set<ShakingSocket>();
  #lastRound = new Set<ShakingSocket>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins to wait for a socket. */
  add(socket: ShakingSocket): void {
    this.#thisRound.add(socket);
    this.#timer ??= setTimeout(() => this.#endRound(), ROUND_MS);
  }

  /** Ends the wait: the socket is open, or gone. */
  delete(socket: ShakingSocket): void {
    if (!this.#thisRound.delete(socket)) this.#lastRound.delete(socket);
  }

  /** Stops the timer; sockets that are still waited for are not given up any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #endRound(): void {
    const overdue = this.#lastRound;
    this.#lastRound = this.#thisRound;
    this.#thisRound = new Set();
    this.#timer = this.#lastRound.size > 0 ? setTimeout(() => this.#endRound(), ROUND_MS) : undefined;
    for (const socket of overdue) socket.giveUp();
  }
}
