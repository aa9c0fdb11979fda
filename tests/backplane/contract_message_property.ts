import fc from "fast-check";
import { MessageRun, type MessageStep } from "./message_run.ts";
import { type Subject, withRetention, worldTest } from "./world.ts";

/** Small, so that retention trims history while a test reads it. */
const RETAINED = 6;

const isolate = fc.nat({ max: 2 });
const offset = fc.nat({ max: 40 });
const limit = fc.integer({ min: 1, max: 8 });
const page = fc.oneof(fc.record({ after: offset, limit }), fc.record({ before: offset, limit }));

const step: fc.Arbitrary<MessageStep> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      isolate,
      user: fc.constantFrom("alice", "bob"),
      // Few ids, so that many repeat, within a call and across calls.
      ids: fc.array(fc.constantFrom(..."abcdefghijklmnop"), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("subscribe" as const), isolate }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("history" as const), isolate, page }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("close" as const), subscription: fc.nat({ max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("settle" as const) }) },
);

/**
 * Tests concurrent calls of several isolates: messages have one order, without duplicates or gaps.
 */
export function testMessageProperty(subject: Subject): void {
  worldTest(
    subject,
    "under concurrent calls each subscription delivers every message after its head, in order, once",
    async (world) => {
      const isolates = [await world.open(), await world.open(), await world.open()];
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
          await new MessageRun(isolates, `run ${run++}`, RETAINED).run(steps);
        }),
        { numRuns: subject.runs },
      );
    },
    withRetention({ messages: RETAINED }),
  );
}
