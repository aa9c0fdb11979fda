import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Timed, TimingWheel } from "../../packages/server/src/socket/timing_wheel.ts";

const TICK_MS = 10;
/** One turn of the wheel. */
const TURN_MS = 64 * TICK_MS;

/** A wheel whose timer rings when the test says so, and whose clock the test sets. `using` puts the timers back. */
class ManualWheel implements Disposable {
  now = 0;
  readonly wheel = new TimingWheel(TICK_MS, () => this.now);
  /** How many timers run. */
  timers = 0;
  #ring: (() => void) | undefined;
  readonly #original = { setInterval: globalThis.setInterval, clearInterval: globalThis.clearInterval };

  constructor() {
    Object.assign(globalThis, {
      setInterval: (ring: () => void, everyMs: number) => {
        assertEquals(everyMs, TICK_MS);
        this.timers++;
        this.#ring = ring;
        return 1;
      },
      clearInterval: (timer: unknown) => {
        if (timer === undefined) return;
        this.timers--;
        this.#ring = undefined;
      },
    });
  }

  /** Lets the time pass, and the timer ring once at its end. */
  pass(ms: number): void {
    this.now += ms;
    this.#ring?.();
  }

  /** Lets the time pass, with the timer ringing as it should. */
  tickThrough(ms: number): void {
    for (const end = this.now + ms; this.now < end;) this.pass(TICK_MS);
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#original);
  }
}

/** Keeps when it was looked at; wants to be looked at again as it is told. */
function lookedAt(nextMs: number): Timed & { readonly looks: number[] } {
  const looks: number[] = [];
  return {
    looks,
    look(now) {
      looks.push(now);
      return nextMs;
    },
  };
}

Deno.test("it looks when it was asked to, and again when the look says", () => {
  using manual = new ManualWheel();
  const timed = lookedAt(30);
  manual.wheel.add(timed, 50);
  manual.tickThrough(40);
  assertEquals(timed.looks, []);
  manual.tickThrough(10);
  assertEquals(timed.looks, [50]);
  manual.tickThrough(60);
  assertEquals(timed.looks, [50, 80, 110]);
});

Deno.test("a delay of nothing, or less, is the next tick", () => {
  using manual = new ManualWheel();
  const timed = [0, -1_000, -Infinity].map(() => lookedAt(1_000_000));
  for (const [index, delayMs] of [0, -1_000, -Infinity].entries()) {
    const one = timed[index];
    assert(one);
    manual.wheel.add(one, delayMs);
  }
  manual.pass(TICK_MS);
  for (const { looks } of timed) assertEquals(looks, [TICK_MS]);
});

Deno.test("what is further away than a turn is looked at once a turn", () => {
  using manual = new ManualWheel();
  const far = lookedAt(Infinity);
  manual.wheel.add(far, 86_400_000);
  manual.tickThrough(10 * TURN_MS);
  assert(far.looks.length >= 9 && far.looks.length <= 11, `${far.looks.length} looks`);
});

Deno.test("the timer runs only while there is something to look at", () => {
  using manual = new ManualWheel();
  const one = lookedAt(10);
  const other = lookedAt(10);
  assertEquals(manual.timers, 0);
  manual.wheel.add(one, 10);
  manual.wheel.add(other, 10);
  assertEquals(manual.timers, 1);
  manual.wheel.delete(one);
  manual.wheel.delete(one);
  assertEquals(manual.timers, 1);
  manual.wheel.delete(other);
  assertEquals(manual.timers, 0);
  manual.pass(1_000);
  manual.wheel.add(one, 10);
  assertEquals(manual.timers, 1);
  assertEquals(manual.wheel.now, 1_000);
  manual.pass(TICK_MS);
  assertEquals(one.looks, [1_010]);
  manual.wheel.delete(one);
});

Deno.test("what was taken off is not looked at, and adding twice moves it", () => {
  using manual = new ManualWheel();
  const kept = lookedAt(1_000);
  const gone = lookedAt(1_000);
  manual.wheel.add(gone, 30);
  manual.wheel.add(kept, 30);
  manual.wheel.add(kept, 60);
  manual.wheel.delete(gone);
  manual.tickThrough(50);
  assertEquals([kept.looks, gone.looks], [[], []]);
  manual.tickThrough(10);
  assertEquals([kept.looks, gone.looks], [[60], []]);
});

Deno.test("a look can take itself and others off, and add others", () => {
  using manual = new ManualWheel();
  const added = lookedAt(1_000);
  const other = lookedAt(1_000);
  let looks = 0;
  const timed: Timed = {
    look() {
      looks++;
      manual.wheel.delete(timed);
      manual.wheel.delete(other);
      manual.wheel.add(added, 20);
      return 10;
    },
  };
  manual.wheel.add(timed, 10);
  manual.wheel.add(other, 10);
  manual.tickThrough(100);
  assertEquals([looks, other.looks, added.looks], [1, [], [30]]);
});

Deno.test("a busy event loop that leaves ticks out does not make deadlines late", () => {
  using manual = new ManualWheel();
  const timed = [10, 100, 300, 500].map(() => lookedAt(1_000_000));
  for (const [index, one] of timed.entries()) manual.wheel.add(one, [10, 100, 300, 500][index] ?? 0);
  manual.pass(300);
  assertEquals(timed.map(({ looks }) => looks.length), [1, 1, 1, 0]);
  assertEquals(timed[0]?.looks, [300]);
  manual.pass(50 * TURN_MS);
  assert((timed[3]?.looks.length ?? 0) >= 1, "the last one was left out");
});

Deno.test("ticks that are all somewhat late do not make deadlines later than a tick", () => {
  using manual = new ManualWheel();
  const timed = lookedAt(1_000_000);
  const late = 1.4 * TICK_MS;
  manual.wheel.add(timed, 40 * TICK_MS);
  while (timed.looks.length === 0) manual.pass(late);
  assert(manual.now <= 40 * TICK_MS + 2 * late, `looked at after ${manual.now} ms`);
});

const Step = fc.oneof(
  fc.record({ who: fc.nat({ max: 9 }), delayMs: fc.integer({ min: -20, max: 3 * TURN_MS }) }),
  fc.record({ gone: fc.nat({ max: 9 }) }),
  fc.record({ ticks: fc.constantFrom(1, 1, 1, 2, 5, 63, 64, 65, 200) }),
);

Deno.test("whatever is added and however time passes, nobody is looked at later than asked for", () => {
  fc.assert(
    fc.property(fc.array(Step, { maxLength: 100 }), fc.integer({ min: 1, max: 200 }), (steps, nextMs) => {
      using manual = new ManualWheel();
      const dueAt = new Map<number, number>();
      const timed = Array.from({ length: 10 }, (_, who): Timed => ({
        look(now) {
          assert(dueAt.has(who), "one that was taken off is looked at");
          dueAt.set(who, now + nextMs);
          return nextMs;
        },
      }));
      for (const step of steps) {
        if ("ticks" in step) {
          manual.pass(step.ticks * TICK_MS);
          for (const [who, at] of dueAt) {
            assert(at > manual.now - TICK_MS, `${who} was due at ${at} of ${manual.now}`);
          }
        } else if ("gone" in step) {
          const one = timed[step.gone];
          if (one) manual.wheel.delete(one);
          dueAt.delete(step.gone);
        } else {
          const one = timed[step.who];
          if (one) manual.wheel.add(one, step.delayMs);
          dueAt.set(step.who, manual.now + Math.min(step.delayMs, TURN_MS));
        }
      }
      for (const one of timed) manual.wheel.delete(one);
      assertEquals(manual.timers, 0);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("with the runtime's own timer it looks, and gives the timer back", async () => {
  const wheel = new TimingWheel(2, () => performance.now());
  const looked = Promise.withResolvers<number>();
  const startedAt = performance.now();
  const timed: Timed = {
    look(now) {
      wheel.delete(timed);
      looked.resolve(now);
      return 1;
    },
  };
  wheel.add(timed, 20);
  // The sanitizer of the test run sees a timer that is left.
  assert(await looked.promise - startedAt >= 15);
});
