/** Delivery when messages are lost for good. */
import { EVERYTHING } from "../../../packages/server/src/rooms/policy/authorize.ts";
import { ABORTS_HANDSHAKES } from "./delivery_run.ts";
import { deliverThroughSeeds, type Runs } from "./delivery_seeds.ts";

const KINDS: readonly (Runs & { readonly name: string })[] = [
  {
    name: "what a room of two messages no longer keeps is told as a gap, exactly",
    seeds: 10,
    service: { env: { HISTORY_MESSAGES: "2" } },
    hasGaps: true,
  },
  {
    name: "who may not read history is told what was missed, exactly, and publishes once all the same",
    seeds: 10,
    service: { deps: { authorize: ({ id }) => ({ ...EVERYTHING, history: id !== "alice" }) } },
    hasGaps: true,
  },
  {
    name: "an application that reconnects again and again does no harm",
    seeds: 20,
    service: { env: { HISTORY_MESSAGES: "2" } },
    hasGaps: true,
    isRestless: true,
  },
];

for (const { name, ...runs } of KINDS) {
  Deno.test({
    name: `whatever seeds 1 to ${runs.seeds} break, ${name}`,
    // As in delivery_test.ts.
    sanitizeOps: false,
    ignore: runs.isRestless === true && !ABORTS_HANDSHAKES,
    fn: () => deliverThroughSeeds(runs),
  });
}
