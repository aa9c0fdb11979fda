/** In a smaller room nothing waits: to tell costs less than a timer does. */
const MIN_MEMBERS = 50;
/**
 * To tell something costs a send a member, 10 to 20 µs of CPU: where it waits for 200 µs a member, telling takes a tenth of a core at
 * most, however much changes.
 */
const WAIT_MS_PER_MEMBER = 0.2;
const MAX_WAIT_MS = 250;

/** How long changes of presence wait for company: at rest not at all, in a large room and soon after others a moment. */
export class PresenceThrottle {
  #toldAt = -Infinity;

  /** Milliseconds until a change may be told to so many members; `now` is in milliseconds. */
  waitMs(members: number, now: number): number {
    if (members < MIN_MEMBERS) return 0;
    const waitMs = Math.min(members * WAIT_MS_PER_MEMBER, MAX_WAIT_MS);
    // A clock that was put back must not make anybody wait for longer.
    return Math.min(waitMs, Math.max(0, this.#toldAt + waitMs - now));
  }

  /** Changes were told. */
  told(now: number): void {
    this.#toldAt = now;
  }
}
