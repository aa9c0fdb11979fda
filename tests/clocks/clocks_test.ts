/** The server's clocks: their types, the coarse clock, and parts that measure elapsed time. */
import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import {
  createCoarseClock,
  type MonotonicClock,
  preciseClock,
  type WallClock,
  wallClock,
} from "../../packages/server/src/clocks.ts";
import { MemoryTestWorld } from "../backplane/memory_world.ts";
import { draft, entry } from "../backplane/samples.ts";

const HOUR_MS = 3_600_000;

Deno.test("the compiler does not take one clock for the other", () => {
  // @ts-expect-error elapsed time on the wall clock
  const monotonic: MonotonicClock = wallClock;
  // @ts-expect-error a date on the monotonic clock
  const wall: WallClock = preciseClock;
  // @ts-expect-error the coarse clock measures elapsed time too
  const coarse: WallClock = createCoarseClock();
  assertEquals([monotonic, wall, coarse].length, 3);
});

/** Time that passes, and steps of the wall clock. */
const Step = fc.record({
  passMs: fc.oneof(fc.nat({ max: 40 }), fc.double({ min: 0, max: 5, noNaN: true })),
  stepMs: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -2 * HOUR_MS, max: 2 * HOUR_MS }) },
    { weight: 1, arbitrary: fc.integer({ min: -20, max: 20 }) },
  ),
});

Deno.test("for any steps of the wall clock the coarse clock never goes back or ahead, and soon is right", () => {
  fc.assert(
    fc.property(fc.array(Step, { maxLength: 200 }), (steps) => {
      let trueMs = 1_000;
      let wallMs = 1_800_000_000_000;
      const now = createCoarseClock(() => Math.floor(wallMs), () => trueMs);
      let last = -Infinity;
      for (const { passMs, stepMs } of steps) {
        trueMs += passMs;
        wallMs += passMs + stepMs;
        const readMs = now();
        assert(readMs >= last, `${readMs} after ${last}`);
        assert(readMs <= trueMs + 16, `${readMs} instead of ${trueMs}`);
        assert(Number.isInteger(readMs), `${readMs}`);
        last = readMs;
      }
      trueMs += 17;
      wallMs += 17;
      assert(Math.abs(now() - trueMs) <= 17, `${now()} instead of ${trueMs}`);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("the coarse clock reads the precise one at most once in 16 ms", () => {
  let readings = 0;
  let ms = 0;
  const now = createCoarseClock(() => ms, () => (readings++, ms));
  for (ms = 0; ms < 1_600; ms++) assertEquals(now(), ms);
  assertEquals(readings, 100);
});

for (const hours of [-1, 1]) {
  Deno.test(`memory: a wall clock that steps by ${hours} h changes only \`at\``, async () => {
    let steppedMs = 0;
    await using world = new MemoryTestWorld({
      wallNow: () => 1_800_000_000_000 + steppedMs,
      retention: { messages: 10, ageMs: 60_000, dedupeMs: 60_000 },
    });
    const isolate = await world.open();
    await isolate.publish("r", [draft("a")]);
    await isolate.enter("r", entry("alice1"));
    await isolate.linger("r", "alice1", 60_000);
    steppedMs = hours * HOUR_MS;
    assertEquals(await isolate.publish("r", [draft("a"), draft("b")]), [
      { offset: 1, duplicate: true },
      { offset: 2, duplicate: false },
    ]);
    const { messages } = await isolate.history("r", { after: 0, limit: 10 });
    assertEquals(messages.map(({ at }) => at), [1_800_000_000_000, 1_800_000_000_000 + steppedMs]);
    assertEquals(await isolate.present("r"), [entry("alice1")]);
    await world.advance(60_000);
    assertEquals(await isolate.present("r"), []);
    assertEquals((await isolate.history("r", { after: 0, limit: 10 })).messages, []);
  });
}
