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
        "nobody's" as const,
        "its own" as const,
        "its own" as const,
        "another's" as const,
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("enter" as const), client, state: fc.nat({ max: 2 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("vanish", "vanish", "part", "close", "leave"), client }),
  },
);
const steps = fc.array(step, { maxLength: STEPS, size: "max" });
const ENV = { ...ANY_RATE, MAX_CONNECTIONS_PER_USER: "1000", PRESENCE_GRACE_MS: String(GRACE_MS) };

Deno.test("whatever connections do, everybody is told the same of presence, as it was, and it adds up to the list (7.1 to 7.8)", async () => {
  await using running = await startServer({ env: ENV });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      steps,
      async (steps) => await new PresenceRun(running, `room-${run++}`).runInTurn(steps),
    ),
    { numRuns: RUNS },
  );
});

Deno.test("whatever connections do at the same time, presence adds up to the list, and nobody has left who did not mean to (7.6, 7.7)", async () => {
  await using running = await startServer({ env: ENV });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      steps,
      async (steps) => await new PresenceRun(running, `room-${run++}`).runAtOnce(steps),
    ),
    { numRuns: RUNS },
  );
});
