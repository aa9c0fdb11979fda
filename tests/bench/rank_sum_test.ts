/** The statistics of `deno task bench:compare` hold for all samples. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { areDifferences } from "../../tools/bench/compare/false_discovery.ts";
import { estimateChange, leastLikelihood, rankTest } from "../../tools/bench/compare/rank_sum.ts";

/** Few distinct values, so that ties occur. */
const Samples = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 });
const Distinct = fc.uniqueArray(fc.integer({ min: 1, max: 10_000 }), { minLength: 4, maxLength: 9 });

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);
}

/** All ways to pick `count` of the values, each with the rest. */
function* splits(values: readonly number[], count: number): Generator<[number[], number[]]> {
  const [first, ...rest] = values;
  if (first === undefined) {
    if (count === 0) yield [[], []];
    return;
  }
  if (count > 0) { for (const [picked, left] of splits(rest, count - 1)) yield [[first, ...picked], left]; }
  for (const [picked, left] of splits(rest, count)) yield [picked, [first, ...left]];
}

Deno.test("of all ways in which chance can deal the same samples, no more than a share p is given p or less", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 9 }),
      fc.nat(),
      (values, pick) => {
        const picked = 1 + pick % (values.length - 1);
        const likelihoods = [...splits(values, picked)].map(([one, other]) => rankTest(one, other));
        for (const bound of new Set(likelihoods)) {
          const share = likelihoods.filter((likelihood) => likelihood <= bound).length / likelihoods.length;
          assert(share <= bound + 1e-9, `${share} of the splits of ${values} have ${bound} or less`);
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("the least likelihood is that of samples that do not overlap", () => {
  for (const [before, after] of [[1, 1], [3, 3], [3, 7], [4, 4], [7, 7], [28, 28]] as const) {
    const low = Array.from({ length: before }, (_, index) => index + 1);
    const high = Array.from({ length: after }, (_, index) => 1_000 + index);
    assertNear(rankTest(low, high), leastLikelihood(before, after), 1e-12);
  }
  assertNear(leastLikelihood(3, 3), 0.1, 1e-12);
  assertNear(leastLikelihood(7, 7), 2 / 3432, 1e-12);
});

Deno.test("it does not matter which side is which, nor in which unit they are", () => {
  fc.assert(fc.property(Samples, Samples, (one, other) => {
    const likelihood = rankTest(one, other);
    assertNear(rankTest(other, one), likelihood, 1e-9);
    assertNear(
      rankTest(one.map((value) => value * 8), other.map((value) => value * 8)),
      likelihood,
      1e-9,
    );
    assert(likelihood > 0 && likelihood <= 1);
  }));
});

Deno.test("the approximation for many samples is near the exact value", () => {
  fc.assert(fc.property(fc.nat({ max: 12 }), (shift) => {
    // 30 a side are counted out, 31 are approximated.
    const [exact, near] = [30, 31].map((size) => {
      const before = Array.from({ length: size }, (_, index) => 2 * index);
      return rankTest(before, before.map((value) => value + 2 * shift + 1));
    });
    assertNear(near ?? 0, exact ?? 1, 0.02);
  }));
});

Deno.test("a change that all samples share is found as it is, with its interval around it", () => {
  fc.assert(fc.property(Distinct, fc.double({ min: 0.1, max: 10, noNaN: true }), (before, factor) => {
    const change = estimateChange(before, before.map((value) => value * factor));
    assertNear(change?.factor ?? 0, factor, factor * 1e-9);
    const [from, to] = change?.interval ?? [0, Infinity];
    assert(from <= factor * (1 + 1e-9) && to >= factor * (1 - 1e-9));
  }));
});

Deno.test("three samples a side have no interval, and what is not above zero has no change", () => {
  assertEquals(estimateChange([1, 2, 3], [7, 8, 9])?.interval, null);
  assertEquals(estimateChange([1, 2, 3, 4], [2, 4, 6, 8])?.interval?.length, 2);
  assertEquals(estimateChange([0, 0, 0], [0, 0, 1]), undefined);
  assertThrows(() => rankTest([], [1]), RangeError);
});

Deno.test("of many tests the smallest are differences only as far as their number allows", () => {
  assertEquals(areDifferences([]), []);
  assertEquals(areDifferences([0.04]), [true]);
  assertEquals(areDifferences([0.04, 0.9]), [false, false]);
  assertEquals(areDifferences([0.04, 0.03]), [true, true]);
  assertEquals(areDifferences([0.9, 0.001, 0.03, 0.4]), [false, true, false, false]);
});
