import { deliverThroughSeeds } from "./delivery_seeds.ts";

Deno.test({
  name: "whatever seeds 1 to 25 break, a sender that excludes itself misses nothing else, and sees no gap",
  // As in delivery_test.ts.
  sanitizeOps: false,
  fn: () => deliverThroughSeeds({ seeds: 25, hasGaps: false, excludes: true }),
});
