import fc from "fast-check";
import { ANY_RATE } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { CLIENTS, DeliveryRun, type DeliveryStep } from "./delivery_property_run.ts";

/** Runs; each opens a few dozen connections, so these take some seconds. */
const RUNS = 40;
const STEPS = 80;
/** Small retention, so that messages are removed while clients are away. */
const RETAINED = 4;

const client = fc.nat({ max: CLIENTS.length - 1 });

const step: fc.Arbitrary<DeliveryStep> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("connect" as const), client }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("abort" as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("close", "settle"), client }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      client,
      kinds: fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.boolean()), {
        minLength: 1,
        maxLength: 5,
      }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("retry" as const), client, which: fc.nat({ max: 50 }) }),
  },
);
const steps = fc.array(step, { maxLength: STEPS, size: "max" });
const rooms = fc.integer({ min: 1, max: 2 });

for (const retainsAll of [true, false]) {
  const what = retainsAll
    ? "each client gets every durable message once and in order, and each acked publish is stored once"
    : "removed messages are reported as gaps, messages and gaps are complete, and recovered is correct";
  Deno.test(`for any concurrent steps of clients ${what} (5.1 to 5.4, 6.1, 6.2, 6.6)`, async () => {
    const env = {
      ...ANY_RATE,
      MAX_CONNECTIONS_PER_USER: "1000",
      ...(retainsAll ? {} : { HISTORY_MESSAGES: String(RETAINED) }),
    };
    await using running = await startServer({ env });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(steps, rooms, async (steps, rooms) => {
        await new DeliveryRun(running, { name: `run-${run++}`, rooms, retainsAll }).run(steps);
      }),
      { numRuns: RUNS },
    );
  });
}
