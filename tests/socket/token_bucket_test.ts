import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { TokenBucket } from "../../packages/server/src/socket/token_bucket.ts";

Deno.test("a new bucket is full: it allows its capacity at once, then nothing", () => {
  const bucket = new TokenBucket(10, 3, 1_000);
  assertEquals([bucket.take(1_000), bucket.take(1_000), bucket.take(1_000)], [0, 0, 0]);
  assertEquals(bucket.take(1_000), 100);
  assertEquals(bucket.take(1_000), 100, "a refusal takes nothing");
});

Deno.test("an empty bucket returns the milliseconds until the next token", () => {
  const bucket = new TokenBucket(3, 1, 0);
  assertEquals(bucket.take(0), 0);
  assertEquals(bucket.take(0), 334);
  assertEquals(bucket.take(300), 34);
  assertEquals(bucket.take(334), 0);
});

Deno.test("after a long pause the bucket is full, and not beyond its capacity", () => {
  const bucket = new TokenBucket(100, 5, 0);
  for (let count = 0; count < 5; count++) bucket.take(0);
  for (let count = 0; count < 5; count++) assertEquals(bucket.take(86_400_000), 0);
  assert(bucket.take(86_400_000) > 0);
});

Deno.test("a clock that is set back adds no tokens and removes none", () => {
  const bucket = new TokenBucket(1, 2, 10_000);
  assertEquals([bucket.take(0), bucket.take(0)], [0, 0]);
  assertEquals(bucket.take(5_000), 1_000);
  assertEquals(bucket.take(11_000), 0);
});

const Rate = fc.integer({ min: 1, max: 5_000 });
const Capacity = fc.integer({ min: 1, max: 500 });

Deno.test("in any period the bucket allows at most its capacity plus the tokens of that period", () => {
  fc.assert(
    fc.property(
      Rate,
      Capacity,
      fc.array(fc.nat({ max: 300 }), { maxLength: 100 }),
      (rate, capacity, steps) => {
        const bucket = new TokenBucket(rate, capacity, 0);
        const taken: number[] = [];
        let now = 0;
        for (const step of steps) {
          now += step;
          if (bucket.take(now) === 0) taken.push(now);
        }
        for (const [index, from] of taken.entries()) {
          for (const [more, to] of taken.slice(index).entries()) {
            // Rounding may add a token slightly early.
            const most = capacity + (to - from) * rate / 1000 + 1e-6;
            assert(more + 1 <= most, `${more + 1} from ${from} to ${to}`);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("a caller that waits as told gets a token, or has to wait one more millisecond", () => {
  fc.assert(
    fc.property(
      Rate,
      Capacity,
      fc.array(fc.nat({ max: 50 }), { maxLength: 200 }),
      (rate, capacity, steps) => {
        const bucket = new TokenBucket(rate, capacity, 0);
        let now = 0;
        for (const step of steps) {
          now += step;
          const waitMs = bucket.take(now);
          assert(Number.isInteger(waitMs) && waitMs >= 0);
          if (waitMs === 0) continue;
          now += waitMs;
          assert(bucket.take(now) <= 1, `after ${waitMs} ms`);
        }
      },
    ),
    { numRuns: 500 },
  );
});
