/** After so long without frames a room is at rest: what comes then is not held back for company. Milliseconds. */
const REST_MS = 5;
/** How long frames wait for others once those before them are written. Milliseconds; Deno (2.1.4 and 2.9.6) makes it one to two. */
const WAIT_MS = 1;
/** What one member's WebSocket message takes to be written, about, and each of its characters (docs/performance.md). Milliseconds. */
const WRITE_MS = 0.008;
const WRITE_CHARACTER_MS = 2.5e-6;
/** It is an estimate, and other machines are faster: more than this it never says. Milliseconds. */
const MAX_WRITE_MS = 20;
/** How often as many as expected have to come before one more is tried for; doubled whenever that was in vain. */
const FIRST_PATIENCE = 8;
const MAX_PATIENCE = 256;
/** So often in a row it has to be in vain before fewer are expected: once may be a hiccup of the network, or of a client. */
const MAX_LATE = 2;

/** What goes out together. */
export interface Portion {
  readonly frames: number;
  /** How many members it goes to. */
  readonly members: number;
  /** Characters of all frames. */
  readonly length: number;
  /** Whether more frames were waited for in vain. */
  readonly isLate: boolean;
}

/**
 * How many frames are worth waiting for before a room's frames are sent. Under load clients answer what they are sent, and each of them
 * at another time: what is sent at once goes out in small portions, and a portion costs a send a member. So as many are waited for
 * as went out together the last time, and now and then for one more; when they do not come in time it is fewer. A room
 * where frames come one at a time waits for nothing.
 */
export class BatchSizer {
  #expected = 1;
  #reached = 0;
  #patience = FIRST_PATIENCE;
  /** How often in a row it was in vain, and the most frames that came then. */
  #late = 0;
  #mostLate = 0;
  /** Until about then the last portion is being written: what is sent meanwhile waits behind it anyway. */
  #writtenAt = -Infinity;

  /** Whether `frames` are what is waited for. */
  isExpected(frames: number): boolean {
    return frames >= this.#expected;
  }

  /** Whether `frames` are to go out now; `now` in milliseconds. */
  isEnough(frames: number, now: number): boolean {
    return this.isExpected(frames) || now - this.#writtenAt > REST_MS;
  }

  /** How long the others may be waited for, in milliseconds. */
  waitMs(now: number): number {
    return Math.max(0, this.#writtenAt - now) + WAIT_MS;
  }

  /** A portion goes out. */
  sent({ frames, members, length, isLate }: Portion, now: number): void {
    this.#writtenAt = now + Math.min(members * (WRITE_MS + length * WRITE_CHARACTER_MS), MAX_WRITE_MS);
    if (frames > this.#expected) this.#expect(frames);
    else if (isLate) {
      this.#patience = Math.min(2 * this.#patience, MAX_PATIENCE);
      this.#mostLate = Math.max(this.#mostLate, frames);
      if (++this.#late === MAX_LATE) this.#expect(this.#mostLate);
    } else if (frames === this.#expected) {
      this.#late = this.#mostLate = 0;
      if (frames > 1 && ++this.#reached >= this.#patience) this.#expect(frames + 1);
    }
  }

  #expect(frames: number): void {
    this.#expected = frames;
    this.#reached = this.#late = this.#mostLate = 0;
  }
}
