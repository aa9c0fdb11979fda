/** A socket whose upgrade has been answered and that is not open yet. */
export interface OpeningSocket {
  /** Ends the socket as if its connection had broken. */
  giveUp(): void;
}

/** Half of the longest time that a socket may take to open; it is a matter of milliseconds. */
const ROUND_MS = 1_500;

/**
 * Gives up on sockets that do not open. Of a peer that went away before its upgrade was through Deno 2.1.4 tells an error
 * and no close, Deno 2.9.6 nothing at all: without this its place would be taken for ever. One timer serves all sockets, since a
 * timer for each would be a twentieth of a connect's cost: a socket is given up when a whole round has passed without it
 * opening, so after one to two rounds.
 */
export class OpenWatch {
  #thisRound = new Set<OpeningSocket>();
  #lastRound = new Set<OpeningSocket>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins to wait for a socket. */
  add(socket: OpeningSocket): void {
    this.#thisRound.add(socket);
    this.#timer ??= setTimeout(() => this.#endRound(), ROUND_MS);
  }

  /** Ends the wait: the socket is open, or gone. */
  delete(socket: OpeningSocket): void {
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
