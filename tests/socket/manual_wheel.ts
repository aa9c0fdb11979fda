import { assertEquals } from "@std/assert";
import { TimingWheel } from "../../packages/server/src/socket/timing_wheel.ts";

/** Tick of the wheel, in milliseconds. */
export const TICK_MS = 10;

/** A wheel whose timer and clock the test controls. `using` restores the real timers. */
export class ManualWheel implements Disposable {
  now = 0;
  readonly wheel = new TimingWheel(TICK_MS, () => this.now);
  /** Number of running timers. */
  timers = 0;
  #fire: (() => void) | undefined;
  readonly #original = { setInterval: globalThis.setInterval, clearInterval: globalThis.clearInterval };

  constructor() {
    Object.assign(globalThis, {
      setInterval: (fire: () => void, everyMs: number) => {
        assertEquals(everyMs, TICK_MS);
        this.timers++;
        this.#fire = fire;
        return 1;
      },
      clearInterval: (timer: unknown) => {
        if (timer === undefined) return;
        this.timers--;
        this.#fire = undefined;
      },
    });
  }

  /** Moves the clock, then fires the timer once. */
  pass(ms: number): void {
    this.now += ms;
    this.#fire?.();
  }

  /** Moves the clock and fires the timer at each tick. */
  tickThrough(ms: number): void {
    for (const end = this.now + ms; this.now < end;) this.pass(TICK_MS);
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#original);
  }
}
