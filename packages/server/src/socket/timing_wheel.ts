/** Something that is looked at now and then. */
export interface Timed {
  /** Looks, and says in how many milliseconds it wants to be looked at again. */
  look(now: number): number;
}

/** Slots of the wheel; one turn of it is the longest time between two looks. */
const SLOTS = 64;

/**
 * One timer for everything that has deadlines of seconds: heartbeats and expiry of all room members of an isolate. Whoever has
 * a deadline is looked at when it may be due and then says when next; moving a deadline costs nothing. Runs only while there is
 * something to look at.
 */
export class TimingWheel {
  readonly #tickMs: number;
  readonly #clock: () => number;
  readonly #slots: Set<Timed>[] = Array.from({ length: SLOTS }, () => new Set());
  readonly #slotOf = new Map<Timed, number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Ticks that have been, and the time from which they are counted. */
  #ticks = 0;
  #startedAt = 0;
  #now: number;

  /** Deadlines are kept to `tickMs`; `clock` gives milliseconds. */
  constructor(tickMs: number, clock: () => number) {
    this.#tickMs = tickMs;
    this.#clock = clock;
    this.#now = clock();
  }

  /** The time of the last tick: for hot paths that need no better. */
  get now(): number {
    return this.#now;
  }

  /** Looks at `timed` in about `delayMs`, or earlier. */
  add(timed: Timed, delayMs: number): void {
    this.delete(timed);
    if (this.#timer === undefined) {
      this.#now = this.#clock();
      this.#startedAt = this.#now - this.#ticks * this.#tickMs;
      this.#timer = setInterval(() => this.#tick(), this.#tickMs);
    }
    const ticks = Math.min(SLOTS - 1, Math.max(1, Math.ceil(delayMs / this.#tickMs)));
    const slot = (this.#ticks + ticks) % SLOTS;
    this.#slotOf.set(timed, slot);
    this.#slots[slot]?.add(timed);
  }

  /** Does not look at it any more. */
  delete(timed: Timed): void {
    const slot = this.#slotOf.get(timed);
    if (slot === undefined) return;
    this.#slotOf.delete(timed);
    this.#slots[slot]?.delete(timed);
    if (this.#slotOf.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const now = this.#clock();
    // Counted from the start: ticks come late, and a busy event loop leaves some out. All slots that have come due are looked at.
    const ticks = Math.floor((now - this.#startedAt) / this.#tickMs);
    const last = Math.max(this.#ticks, ticks - SLOTS);
    this.#ticks = ticks;
    this.#now = now;
    const due: Timed[] = [];
    for (let tick = last + 1; tick <= ticks; tick++) due.push(...this.#slots[tick % SLOTS] ?? []);
    for (const timed of due) {
      // A look can take others off, and itself.
      if (!this.#slotOf.has(timed)) continue;
      const nextMs = timed.look(now);
      if (this.#slotOf.has(timed)) this.add(timed, nextMs);
    }
  }
}
