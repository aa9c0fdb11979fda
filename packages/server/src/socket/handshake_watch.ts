/** A socket whose opening or closing handshake is incomplete. */
export interface PendingHandshake {
  /** Ends the socket as if its connection had broken. */
  giveUp(): void;
}

/** Half of the longest time that a handshake may take. Normal ones take milliseconds. */
const ROUND_MS = 1_500;

/**
 * Ends sockets that do not open, and sockets that do not close. If a peer leaves before its upgrade
 * is complete, Deno 2.1.4 reports an error without a close, and Deno 2.9.6 reports nothing. A peer
 * that does not answer a close frame keeps its socket until TCP times out. Without this watch, such
 * sockets would count against the limits until then. One timer serves all sockets, because a timer
 * per socket would cost a twentieth of a connect. A socket is ended after one to two rounds.
 */
export class HandshakeWatch {
  #thisRound = new Set<PendingHandshake>();
  #lastRound = new Set<PendingHandshake>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts to watch a socket. */
  add(socket: PendingHandshake): void {
    this.#thisRound.add(socket);
    this.#timer ??= setTimeout(() => this.#endRound(), ROUND_MS);
  }

  /** Stops watching a socket: its handshake is complete, or it has ended. */
  delete(socket: PendingHandshake): void {
    if (!this.#thisRound.delete(socket)) this.#lastRound.delete(socket);
  }

  /** Stops the timer. Sockets that are still watched are left alone. */
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
