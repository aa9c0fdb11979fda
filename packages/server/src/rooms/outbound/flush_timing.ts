import { BatchSizer } from "./batch_sizer.ts";
import { PresenceThrottle } from "./presence_throttle.ts";
import type { FrameKind } from "./recipient.ts";

/** Fewest members to delay joined frames for: fewer sends cost less than the delay's timer. */
const MIN_DELAYED_FOR = 16;

/** The frames that wait for a flush. */
export interface Pending {
  readonly frames: number;
  /** Characters of all frames. */
  readonly length: number;
  readonly kinds: ReadonlySet<FrameKind>;
  /** Number of recipients. */
  readonly members: number;
  /** Number of recipients that take joined frames. */
  readonly joining: number;
}

/**
 * Decides when the pending frames of a room go out. Order is kept, so the most urgent one decides
 * for all. A message goes out with the tick, or waits about a millisecond for further frames.
 * Ephemeral frames and presence changes alone wait longer.
 */
export class FlushTiming {
  readonly #ephemeralTickMs: number;
  readonly #batchSizer = new BatchSizer();
  readonly #throttle = new PresenceThrottle();
  #ephemeralSentAt = -Infinity;
  /** True while the pending frames wait for further ones, up to the batch sizer's target. */
  #awaitsBatch = false;

  constructor(ephemeralTickMs: number) {
    this.#ephemeralTickMs = ephemeralTickMs;
  }

  /** True if the wait may change with so many frames. */
  mayChange(frames: number): boolean {
    return !this.#awaitsBatch || this.#batchSizer.reachesTarget(frames);
  }

  /** Milliseconds until the frames go out; 0 for now. */
  waitMs({ frames, kinds, members, joining }: Pending, now: number): number {
    const heldMs = this.#heldMs(kinds, members, now);
    this.#awaitsBatch = heldMs === 0 && joining >= MIN_DELAYED_FOR && !this.#batchSizer.isEnough(frames, now);
    return this.#awaitsBatch ? this.#batchSizer.waitMs(now) : heldMs;
  }

  /** True if a reply need not wait for frames of these kinds: an ack would come a tick late. */
  areOvertaken(kinds: ReadonlySet<FrameKind>): boolean {
    return this.#ephemeralTickMs > 0 && kinds.size === 1 && kinds.has("ephemeral");
  }

  /** Records a batch that goes out; `timedOut` after the whole wait. */
  batchSent(pending: Pending, now: number, timedOut: boolean): void {
    // A held batch says nothing about how many frames come together.
    if (timedOut && !this.#awaitsBatch) return;
    this.#batchSizer.sent({ ...pending, timedOut }, now);
  }

  /** Records that frames go out, for whatever reason. */
  flushed(kinds: ReadonlySet<FrameKind>, now: () => number): void {
    this.#awaitsBatch = false;
    if (kinds.has("presence")) this.#throttle.broadcast(now());
    if (this.#ephemeralTickMs > 0 && kinds.has("ephemeral")) this.#ephemeralSentAt = now();
  }

  #heldMs(kinds: ReadonlySet<FrameKind>, members: number, now: number): number {
    if (kinds.has("message")) return 0;
    const presenceMs = kinds.has("presence") ? this.#throttle.waitMs(members, now) : Infinity;
    const ephemeralMs = kinds.has("ephemeral")
      ? Math.max(0, this.#ephemeralSentAt + this.#ephemeralTickMs - now)
      : Infinity;
    return Math.min(presenceMs, ephemeralMs);
  }
}
