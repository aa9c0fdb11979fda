/**
 * Idle threshold: after this long without frames, the next frame is sent immediately. Milliseconds.
 */
const IDLE_MS = 5;
/**
 * Longest wait for more frames once the previous batch is written. Deno makes it one to two.
 * Milliseconds.
 */
const WAIT_MS = 1;
/** Estimated time to write one member's WebSocket message (docs/performance.md). Milliseconds. */
const WRITE_MS = 0.008;
/** Estimated time to write one character of it. Milliseconds. */
const WRITE_CHARACTER_MS = 2.5e-6;
/** Upper bound of the estimate, since other machines are faster. Milliseconds. */
const MAX_WRITE_MS = 20;
/**
 * Full batches required before the target is raised by one; doubles after each timeout, until more
 * frames come by themselves.
 */
const FIRST_PATIENCE = 8;
const MAX_PATIENCE = 256;
/**
 * Consecutive timeouts before the target is lowered: one may be a hiccup of the network or a
 * client.
 */
const MAX_TIMEOUTS = 2;

/** Frames that are sent together. */
export interface Batch {
  readonly frames: number;
  /** Number of members that it goes to. */
  readonly members: number;
  /** Characters of all frames. */
  readonly length: number;
  /** True if the wait for more frames ended without them. */
  readonly timedOut: boolean;
}

/**
 * Decides how many pending frames make a batch. Under load clients answer at different times, and
 * each send costs every member. So a room waits until as many frames are pending as went out last
 * time, and now and then for one more. When they do not come in time, the target goes down. A room
 * whose frames come one at a time never waits.
 */
export class BatchSizer {
  #target = 1;
  #fullBatches = 0;
  #patience = FIRST_PATIENCE;
  #timeouts = 0;
  /** Most frames of a batch that timed out, since the last full one. */
  #largestTimedOutBatch = 0;
  /**
   * Estimated time at which the last batch is written; frames sent before wait behind it anyway.
   */
  #writtenAt = -Infinity;

  /** True if `frames` reach the target. */
  reachesTarget(frames: number): boolean {
    return frames >= this.#target;
  }

  /** True if `frames` are to be sent now; `now` in milliseconds. */
  isEnough(frames: number, now: number): boolean {
    return this.reachesTarget(frames) || now - this.#writtenAt > IDLE_MS;
  }

  /** Longest time to wait for more frames, in milliseconds. */
  waitMs(now: number): number {
    return Math.max(0, this.#writtenAt - now) + WAIT_MS;
  }

  /** Records that a batch is sent. */
  sent({ frames, members, length, timedOut }: Batch, now: number): void {
    this.#writtenAt = now + Math.min(members * (WRITE_MS + length * WRITE_CHARACTER_MS), MAX_WRITE_MS);
    if (frames > this.#target) {
      this.#patience = FIRST_PATIENCE;
      this.#aimAt(frames);
    } else if (timedOut) {
      this.#patience = Math.min(2 * this.#patience, MAX_PATIENCE);
      this.#largestTimedOutBatch = Math.max(this.#largestTimedOutBatch, frames);
      if (++this.#timeouts === MAX_TIMEOUTS) this.#aimAt(this.#largestTimedOutBatch);
    } else if (frames === this.#target) {
      this.#timeouts = this.#largestTimedOutBatch = 0;
      if (frames > 1 && ++this.#fullBatches >= this.#patience) this.#aimAt(frames + 1);
    }
  }

  #aimAt(frames: number): void {
    this.#target = frames;
    this.#fullBatches = this.#timeouts = this.#largestTimedOutBatch = 0;
  }
}
