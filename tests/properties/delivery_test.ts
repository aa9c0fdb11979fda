import fc from "fast-check";
import { ANY_RATE } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { CLIENTS, DeliveryRun, type DeliveryStep } from "./delivery_run.ts";

/** A run is a few dozen connections: these take some seconds. */
const RUNS = 40;
const STEPS = 80;
/** Few, so that messages go while clients are away. */
const KEPT = 4;

const client = fc.nat({ max: CLIENTS.length - 1 });

const step: fc.Arbitrary<DeliveryStep> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("connect" as const), client }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("vanish" as const), client }) },
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

for (const keepsAll of [true, false]) {
  const what = keepsAll
    ? "each client gets every durable message of its time once, in order, and each acked publish is stored once"
    : "what is no longer kept is told as a gap, messages and gaps together leave nothing out, and recovered is true";
  Deno.test(`whatever clients do at the same time, ${what} (5.1 to 5.4, 6.1, 6.2, 6.6)`, async () => {
    const env = {
      ...ANY_RATE,
      MAX_CONNECTIONS_PER_USER: "1000",
      ...(keepsAll ? {} : { HISTORY_MESSAGES: String(KEPT) }),
    };
    await using running = await startServer({ env });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(steps, rooms, async (steps, rooms) => {
        await new DeliveryRun(running, { name: `run-${run++}`, rooms, keepsAll }).run(steps);
      }),
      { numRuns: RUNS },
    );
  });
}
