import { deliverThroughSeeds } from "./delivery_seeds.ts";

Deno.test({
  name: "whatever seeds 1 to 40 break, nothing is lost, nothing comes twice, and all is in order",
  // Deno 2.9.6 never reports a peer that leaves before its upgrade is complete; closing_test.ts
  // checks the client's own sockets.
  sanitizeOps: false,
  fn: () => deliverThroughSeeds({ seeds: 40, hasGaps: false }),
});
