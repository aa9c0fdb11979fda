/** Smaller rooms broadcast at once: that costs less than a timer. */
const MIN_MEMBERS = 50;
/**
 * A broadcast costs one send per member, 10 to 20 µs of CPU. With a wait of 200 µs per member it
 * takes at most a tenth of a core, however much changes.
 */
const WAIT_MS_PER_MEMBER = 0.2;
const MAX_WAIT_MS = 250;

/**
 * Delay before presence changes are broadcast: zero when idle, up to 250 ms in a large busy room.
 */
export class PresenceThrottle {
  #broadcastAt = -Infinity;

  /** Milliseconds until a change may be broadcast to so many members; `now` is in milliseconds. */
  waitMs(members: number, now: number): number {
    if (members < MIN_MEMBERS) return 0;
    const waitMs = Math.min(members * WAIT_MS_PER_MEMBER, MAX_WAIT_MS);
    // A clock that was put back must not make members wait longer.
    return Math.min(waitMs, Math.max(0, this.#broadcastAt + waitMs - now));
  }

  /** Records that changes were broadcast. */
  broadcast(now: number): void {
    this.#broadcastAt = now;
  }
}
