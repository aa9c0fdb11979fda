/** After so long without frames a room is at rest: what comes then is not held back for company. Milliseconds. */
const REST_MS = 5;
/** How often as many as expected have to come before one more is tried for; doubled whenever that was in vain. */
const FIRST_PATIENCE = 8;
const MAX_PATIENCE = 256;

/**
 * How many frames are worth waiting for before a room's frames are sent. Under load clients answer what they are sent, and each of them
 * at another time: what is sent at once goes out in small portions, and a portion costs a send a member. So as many are waited for
 * as went out together the last time, and now and then for one more; when they do not come in time it is fewer. A room
 * where frames come one at a time waits for nothing.
 */
export class Gathering {
  #expected = 1;
  #reached = 0;
  #patience = FIRST_PATIENCE;
  #lastAt = -Infinity;

  /** Whether `frames` are what is waited for; `now` in milliseconds. */
  isEnough(frames: number, now: number): boolean {
    return frames >= this.#expected || now - this.#lastAt > REST_MS;
  }

  /** So many frames go out together; `isLate` when more were waited for in vain. */
  sent(frames: number, isLate: boolean, now: number): void {
    this.#lastAt = now;
    if (isLate) {
      this.#patience = Math.min(2 * this.#patience, MAX_PATIENCE);
      this.#expect(frames);
    } else if (frames > this.#expected) {
      this.#expect(frames);
    } else if (frames === this.#expected && frames > 1 && ++this.#reached >= this.#patience) {
      this.#expect(frames + 1);
    }
  }

  #expect(frames: number): void {
    this.#expected = frames;
    this.#reached = 0;
  }
}
