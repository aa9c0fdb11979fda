import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Timed, TimingWheel } from "../../packages/server/src/socket/timing_wheel.ts";
import { ManualWheel, TICK_MS } from "./manual_wheel.ts";

/** One revolution of the wheel. */
const REVOLUTION_MS = 64 * TICK_MS;

/** Creates an object that records its checks; each check asks for the next after `nextMs`. */
function recordChecks(nextMs: number): Timed & { readonly checks: number[] } {
  const checks: number[] = [];
  return {
    checks,
    check(now) {
      checks.push(now);
      return nextMs;
    },
  };
}

Deno.test("the wheel checks an object after its delay, and again after the delay that the check returns", () => {
  using manual = new ManualWheel();
  const timed = recordChecks(30);
  manual.wheel.add(timed, 50);
  manual.tickThrough(40);
  assertEquals(timed.checks, []);
  manual.tickThrough(10);
  assertEquals(timed.checks, [50]);
  manual.tickThrough(60);
  assertEquals(timed.checks, [50, 80, 110]);
});

Deno.test("a delay of zero or less is due at the next tick", () => {
  using manual = new ManualWheel();
  const timed = [0, -1_000, -Infinity].map(() => recordChecks(1_000_000));
  for (const [index, delayMs] of [0, -1_000, -Infinity].entries()) {
    const one = timed[index];
    assert(one);
    manual.wheel.add(one, delayMs);
  }
  manual.pass(TICK_MS);
  for (const { checks } of timed) assertEquals(checks, [TICK_MS]);
});

Deno.test("a deadline beyond one revolution is checked once per revolution", () => {
  using manual = new ManualWheel();
  const far = recordChecks(Infinity);
  manual.wheel.add(far, 86_400_000);
  manual.tickThrough(10 * REVOLUTION_MS);
  assert(far.checks.length >= 9 && far.checks.length <= 11, `${far.checks.length} checks`);
});

Deno.test("the timer runs only while objects are registered", () => {
  using manual = new ManualWheel();
  const one = recordChecks(10);
  const other = recordChecks(10);
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
  assertEquals(one.checks, [1_010]);
  manual.wheel.delete(one);
});

Deno.test("a deleted object is not checked, and adding an object twice moves its check", () => {
  using manual = new ManualWheel();
  const moved = recordChecks(1_000);
  const deleted = recordChecks(1_000);
  manual.wheel.add(deleted, 30);
  manual.wheel.add(moved, 30);
  manual.wheel.add(moved, 60);
  manual.wheel.delete(deleted);
  manual.tickThrough(50);
  assertEquals([moved.checks, deleted.checks], [[], []]);
  manual.tickThrough(10);
  assertEquals([moved.checks, deleted.checks], [[60], []]);
});

Deno.test("a check may delete its own object and others, and add others", () => {
  using manual = new ManualWheel();
  const added = recordChecks(1_000);
  const other = recordChecks(1_000);
  let checks = 0;
  const timed: Timed = {
    check() {
      checks++;
      manual.wheel.delete(timed);
      manual.wheel.delete(other);
      manual.wheel.add(added, 20);
      return 10;
    },
  };
  manual.wheel.add(timed, 10);
  manual.wheel.add(other, 10);
  manual.tickThrough(100);
  assertEquals([checks, other.checks, added.checks], [1, [], [30]]);
});

Deno.test("a busy event loop that skips ticks does not make deadlines late", () => {
  using manual = new ManualWheel();
  const timed = [10, 100, 300, 500].map(() => recordChecks(1_000_000));
  for (const [index, one] of timed.entries()) manual.wheel.add(one, [10, 100, 300, 500][index] ?? 0);
  manual.pass(300);
  assertEquals(timed.map(({ checks }) => checks.length), [1, 1, 1, 0]);
  assertEquals(timed[0]?.checks, [300]);
  manual.pass(50 * REVOLUTION_MS);
  assert((timed[3]?.checks.length ?? 0) >= 1, "the last object was not checked");
});

Deno.test("ticks that are all slightly late do not delay deadlines by more than a tick", () => {
  using manual = new ManualWheel();
  const timed = recordChecks(1_000_000);
  const late = 1.4 * TICK_MS;
  manual.wheel.add(timed, 40 * TICK_MS);
  while (timed.checks.length === 0) manual.pass(late);
  assert(manual.now <= 40 * TICK_MS + 2 * late, `checked after ${manual.now} ms`);
});

const Step = fc.oneof(
  fc.record({ index: fc.nat({ max: 9 }), delayMs: fc.integer({ min: -20, max: 3 * REVOLUTION_MS }) }),
  fc.record({ deleted: fc.nat({ max: 9 }) }),
  fc.record({ ticks: fc.constantFrom(1, 1, 1, 2, 5, 63, 64, 65, 200) }),
);

Deno.test("for any objects and any clock, no object is checked later than requested", () => {
  fc.assert(
    fc.property(fc.array(Step, { maxLength: 100 }), fc.integer({ min: 1, max: 200 }), (steps, nextMs) => {
      using manual = new ManualWheel();
      const dueAt = new Map<number, number>();
      const timed = Array.from({ length: 10 }, (_, index): Timed => ({
        check(now) {
          assert(dueAt.has(index), "a deleted object is checked");
          dueAt.set(index, now + nextMs);
          return nextMs;
        },
      }));
      for (const step of steps) {
        if ("ticks" in step) {
          manual.pass(step.ticks * TICK_MS);
          for (const [index, at] of dueAt) {
            assert(at > manual.now - TICK_MS, `${index} was due at ${at} of ${manual.now}`);
          }
        } else if ("deleted" in step) {
          const one = timed[step.deleted];
          if (one) manual.wheel.delete(one);
          dueAt.delete(step.deleted);
        } else {
          const one = timed[step.index];
          if (one) manual.wheel.add(one, step.delayMs);
          dueAt.set(step.index, manual.now + Math.min(step.delayMs, REVOLUTION_MS));
        }
      }
      for (const one of timed) manual.wheel.delete(one);
      assertEquals(manual.timers, 0);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("with the runtime's own timer, the wheel checks and clears the timer", async () => {
  const wheel = new TimingWheel(2, () => performance.now());
  const checked = Promise.withResolvers<number>();
  const startedAt = performance.now();
  const timed: Timed = {
    check(now) {
      wheel.delete(timed);
      checked.resolve(now);
      return 1;
    },
  };
  wheel.add(timed, 20);
  // The sanitizer of the test run detects a leaked timer.
  assert(await checked.promise - startedAt >= 15);
});
