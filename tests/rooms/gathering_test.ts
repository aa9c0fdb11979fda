import { assert, assertEquals } from "@std/assert";
import { Gathering } from "../../supabase/functions/realtime/rooms/gathering.ts";

/** Twenty looks of the event loop a millisecond. */
function createClock(): () => number {
  let now = 0;
  return () => now += 0.05;
}

/**
 * Publishers that each send their next message when the last one was sent to them, `perLook` arriving whenever the event loop looks;
 * returns how many went out together, portion by portion, and how many of these had waited in vain.
 */
function run(gathering: Gathering, publishers: number, perLook: number, portions: number) {
  const tick = createClock();
  const sizes: number[] = [];
  let late = 0;
  for (let waiting = 0, underWay = publishers; sizes.length < portions;) {
    const arrived = Math.min(perLook, underWay);
    waiting += arrived;
    underWay -= arrived;
    const now = tick();
    const isLate = arrived === 0;
    if (!isLate && !gathering.isEnough(waiting, now)) continue;
    gathering.sent(waiting, isLate, now);
    if (isLate) late += 1;
    sizes.push(waiting);
    underWay += waiting;
    waiting = 0;
  }
  return { sizes, late };
}

Deno.test("frames that come one at a time are not waited for", () => {
  const { sizes, late } = run(new Gathering(), 1, 1, 1_000);
  assertEquals(new Set(sizes), new Set([1]));
  assertEquals(late, 0);
});

for (const publishers of [3, 16, 40]) {
  Deno.test(`${publishers} publishers that wait for their own messages end up in one portion, nearly always without waiting in vain`, () => {
    const { sizes, late } = run(new Gathering(), publishers, 2, 20_000);
    const settled = sizes.slice(10_000);
    const mean = settled.reduce((sum, size) => sum + size, 0) / settled.length;
    assert(mean > publishers - 0.5, `${mean} of ${publishers} go out together`);
    assert(late < 200, `${late} of ${sizes.length} portions waited in vain`);
  });
}

Deno.test("when most publishers stop, one portion waits in vain, and the rest go on as they are", () => {
  const gathering = new Gathering();
  run(gathering, 16, 16, 4);
  const { sizes, late } = run(gathering, 3, 3, 8);
  assertEquals(sizes, [3, 3, 3, 3, 3, 3, 3, 3]);
  assertEquals(late, 1);
});

Deno.test("after a rest nothing is waited for", () => {
  const gathering = new Gathering();
  assert(gathering.isEnough(1, 0));
  gathering.sent(10, false, 0);
  assert(!gathering.isEnough(9, 5));
  assert(gathering.isEnough(10, 5));
  assert(gathering.isEnough(1, 6));
});
