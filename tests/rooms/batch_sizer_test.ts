import { assert, assertEquals } from "@std/assert";
import { BatchSizer } from "../../packages/server/src/rooms/outbound/batch_sizer.ts";

/** Creates a clock with twenty event-loop ticks per millisecond. */
function createClock(): () => number {
  let now = 0;
  return () => now += 0.05;
}

/**
 * Simulates publishers that each wait for their own message before the next one; `perTick`
 * messages arrive per tick. Returns the size of each batch, and the number of batches that timed
 * out.
 */
function run(batchSizer: BatchSizer, publishers: number, perTick: number, batches: number) {
  const tick = createClock();
  const sizes: number[] = [];
  let timedOutCount = 0;
  for (let waiting = 0, inFlight = publishers; sizes.length < batches;) {
    const arrived = Math.min(perTick, inFlight);
    waiting += arrived;
    inFlight -= arrived;
    const now = tick();
    const timedOut = arrived === 0;
    if (!timedOut && !batchSizer.isEnough(waiting, now)) continue;
    batchSizer.sent({ frames: waiting, members: 0, length: 0, timedOut }, now);
    if (timedOut) timedOutCount += 1;
    sizes.push(waiting);
    inFlight += waiting;
    waiting = 0;
  }
  return { sizes, timedOutCount };
}

Deno.test("a batch does not wait if frames arrive one at a time", () => {
  const { sizes, timedOutCount } = run(new BatchSizer(), 1, 1, 1_000);
  assertEquals(new Set(sizes), new Set([1]));
  assertEquals(timedOutCount, 0);
});

for (const publishers of [3, 16, 40]) {
  Deno.test(`${publishers} publishers that wait for their own messages share one batch, nearly always without a timeout`, () => {
    const { sizes, timedOutCount } = run(new BatchSizer(), publishers, 2, 20_000);
    const settled = sizes.slice(10_000);
    const mean = settled.reduce((sum, size) => sum + size, 0) / settled.length;
    assert(mean > publishers - 0.5, `${mean} of ${publishers} messages share a batch`);
    assert(timedOutCount < 200, `${timedOutCount} of ${sizes.length} batches timed out`);
  });
}

Deno.test("when most publishers stop, two batches time out, and the next ones adapt", () => {
  const batchSizer = new BatchSizer();
  run(batchSizer, 16, 16, 4);
  const { sizes, timedOutCount } = run(batchSizer, 3, 3, 8);
  assertEquals(sizes, [3, 3, 3, 3, 3, 3, 3, 3]);
  assertEquals(timedOutCount, 2);
});

/** Batch of ten frames without recipients. */
const TEN = { frames: 10, members: 0, length: 0, timedOut: false };

Deno.test("one timeout changes nothing; after two in a row the target is the largest timed-out batch", () => {
  const batchSizer = new BatchSizer();
  batchSizer.sent(TEN, 0);
  batchSizer.sent({ ...TEN, frames: 1, timedOut: true }, 0);
  batchSizer.sent(TEN, 0);
  batchSizer.sent({ ...TEN, frames: 4, timedOut: true }, 0);
  assert(batchSizer.reachesTarget(10) && !batchSizer.reachesTarget(9));
  batchSizer.sent({ ...TEN, frames: 2, timedOut: true }, 0);
  assert(batchSizer.reachesTarget(4) && !batchSizer.reachesTarget(3));
});

Deno.test("after timeouts a larger batch is tried less often, until more frames come by themselves", () => {
  const batchSizer = new BatchSizer();
  const untilLarger = (frames: number): number => {
    let full = 0;
    for (; batchSizer.reachesTarget(frames); full++) batchSizer.sent({ ...TEN, frames }, 0);
    return full;
  };
  batchSizer.sent({ ...TEN, frames: 4 }, 0);
  assertEquals(untilLarger(4), 8);
  batchSizer.sent({ ...TEN, frames: 4, timedOut: true }, 0);
  batchSizer.sent({ ...TEN, frames: 4, timedOut: true }, 0);
  assertEquals(untilLarger(4), 32);
  batchSizer.sent({ ...TEN, frames: 9 }, 0);
  assertEquals(untilLarger(9), 8);
});

Deno.test("after an idle time a frame does not wait", () => {
  const batchSizer = new BatchSizer();
  assert(batchSizer.isEnough(1, 0));
  batchSizer.sent(TEN, 0);
  assert(!batchSizer.isEnough(9, 5));
  assert(batchSizer.isEnough(10, 5));
  assert(batchSizer.isEnough(1, 6));
});

Deno.test("the write time of the last batch is not idle time, and frames wait until a millisecond after it", () => {
  const batchSizer = new BatchSizer();
  // 8 µs per member, and 2.5 µs per 1,000 characters: 18 ms.
  batchSizer.sent({ ...TEN, members: 1_000, length: 4_000 }, 100);
  assert(!batchSizer.isEnough(9, 100 + 18 + 5));
  assert(batchSizer.isEnough(9, 100 + 18 + 6));
  assertEquals([100, 110, 118, 130].map((now) => Math.round(batchSizer.waitMs(now))), [19, 9, 1, 1]);
  batchSizer.sent({ ...TEN, members: 1_000, length: 65_536 }, 200);
  assertEquals(batchSizer.waitMs(200), 21, "the wait is limited");
});
