import fc from "fast-check";
import { ANY_RATE } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { GRACE_MS, PresenceRun, type PresenceStep, USERS } from "./presence_run.ts";

const RUNS = 40;
const STEPS = 40;

const client = fc.nat({ max: USERS.length - 1 });

const step: fc.Arbitrary<PresenceStep> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("connect" as const),
      client,
      resumes: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.boolean()),
      names: fc.constantFrom(
        "none" as const,
        "own" as const,
        "own" as const,
        "other" as const,
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("enter" as const), client, state: fc.nat({ max: 2 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("abort", "abort", "lose", "close", "leave"), client }),
  },
);
const steps = fc.array(step, { maxLength: STEPS, size: "max" });
const ENV = { ...ANY_RATE, MAX_CONNECTIONS_PER_USER: "1000", PRESENCE_GRACE_MS: String(GRACE_MS) };

Deno.test("for any sequence of steps every member gets the model's presence changes, which add up to the list (7.1 to 7.8)", async () => {
  await using running = await startServer({ env: ENV });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      steps,
      async (steps) => await new PresenceRun(running, `room-${run++}`).runInOrder(steps),
    ),
    { numRuns: RUNS },
  );
});

Deno.test("for any concurrent steps presence changes add up to the list, and only normal closes are reported as left (7.6, 7.7)", async () => {
  await using running = await startServer({ env: ENV });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      steps,
      async (steps) => await new PresenceRun(running, `room-${run++}`).runConcurrently(steps),
    ),
    { numRuns: RUNS },
  );
});
