import { deliverThroughSeeds } from "./delivery_seeds.ts";

Deno.test({
  name: "whatever seeds 1 to 40 break, nothing is lost, nothing comes twice, and all is in order",
  // Of a peer that leaves before its upgrade is through Deno 2.9.6 never says anything; closing_test.ts sees to the client's own.
  sanitizeOps: false,
  fn: () => deliverThroughSeeds({ seeds: 40, hasGaps: false }),
});
