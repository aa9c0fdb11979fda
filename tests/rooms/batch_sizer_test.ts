import { assert, assertEquals } from "@std/assert";
import { BatchSizer } from "../../packages/server/src/rooms/outbound/batch_sizer.ts";

/** Twenty looks of the event loop a millisecond. */
function createClock(): () => number {
  let now = 0;
  return () => now += 0.05;
}

/**
 * Publishers that each send their next message when the last one was sent to them, `perLook` arriving whenever the event loop looks;
 * returns how many went out together, batch by batch, and how many of these had waited in vain.
 */
function run(batchSizer: BatchSizer, publishers: number, perLook: number, batches: number) {
  const tick = createClock();
  const sizes: number[] = [];
  let late = 0;
  for (let waiting = 0, underWay = publishers; sizes.length < batches;) {
    const arrived = Math.min(perLook, underWay);
    waiting += arrived;
    underWay -= arrived;
    const now = tick();
    const timedOut = arrived === 0;
    if (!timedOut && !batchSizer.isEnough(waiting, now)) continue;
    batchSizer.sent({ frames: waiting, members: 0, length: 0, timedOut }, now);
    if (timedOut) late += 1;
    sizes.push(waiting);
    underWay += waiting;
    waiting = 0;
  }
  return { sizes, late };
}

Deno.test("frames that come one at a time are not waited for", () => {
  const { sizes, late } = run(new BatchSizer(), 1, 1, 1_000);
  assertEquals(new Set(sizes), new Set([1]));
  assertEquals(late, 0);
});

for (const publishers of [3, 16, 40]) {
  Deno.test(`${publishers} publishers that wait for their own messages end up in one batch, nearly always without waiting in vain`, () => {
    const { sizes, late } = run(new BatchSizer(), publishers, 2, 20_000);
    const settled = sizes.slice(10_000);
    const mean = settled.reduce((sum, size) => sum + size, 0) / settled.length;
    assert(mean > publishers - 0.5, `${mean} of ${publishers} go out together`);
    assert(late < 200, `${late} of ${sizes.length} batches waited in vain`);
  });
}

Deno.test("when most publishers stop, two batches wait in vain, and the rest go on as they are", () => {
  const batchSizer = new BatchSizer();
  run(batchSizer, 16, 16, 4);
  const { sizes, late } = run(batchSizer, 3, 3, 8);
  assertEquals(sizes, [3, 3, 3, 3, 3, 3, 3, 3]);
  assertEquals(late, 2);
});

/** Ten frames for nobody: written at once. */
const TEN = { frames: 10, members: 0, length: 0, timedOut: false };

Deno.test("one hiccup changes nothing; when it was in vain twice in a row, as many are expected as came at most", () => {
  const batchSizer = new BatchSizer();
  batchSizer.sent(TEN, 0);
  batchSizer.sent({ ...TEN, frames: 1, timedOut: true }, 0);
  batchSizer.sent(TEN, 0);
  batchSizer.sent({ ...TEN, frames: 4, timedOut: true }, 0);
  assert(batchSizer.reachesTarget(10) && !batchSizer.reachesTarget(9));
  batchSizer.sent({ ...TEN, frames: 2, timedOut: true }, 0);
  assert(batchSizer.reachesTarget(4) && !batchSizer.reachesTarget(3));
});

Deno.test("after a rest nothing is waited for", () => {
  const batchSizer = new BatchSizer();
  assert(batchSizer.isEnough(1, 0));
  batchSizer.sent(TEN, 0);
  assert(!batchSizer.isEnough(9, 5));
  assert(batchSizer.isEnough(10, 5));
  assert(batchSizer.isEnough(1, 6));
});

Deno.test("what the last batch takes to be written is no rest, and the others are waited for until a millisecond after it", () => {
  const batchSizer = new BatchSizer();
  // 8 µs a member, and 2.5 for 1,000 characters: 18 ms.
  batchSizer.sent({ ...TEN, members: 1_000, length: 4_000 }, 100);
  assert(!batchSizer.isEnough(9, 100 + 18 + 5));
  assert(batchSizer.isEnough(9, 100 + 18 + 6));
  assertEquals([100, 110, 118, 130].map((now) => Math.round(batchSizer.waitMs(now))), [19, 9, 1, 1]);
  batchSizer.sent({ ...TEN, members: 1_000, length: 65_536 }, 200);
  assertEquals(batchSizer.waitMs(200), 21, "however long it may take");
});
