/**
 * Property of rule 5.10: with any refusals, each client's messages are stored once, in publish
 * order.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ManualClock, rest } from "../client/manual_clock.ts";
import { SeededRandom } from "../../tools/support/seeded_random.ts";
import type { CallResult } from "../support/controlled_store.ts";
import { TookTooLong } from "../../packages/server/src/rooms/server_code/within_time.ts";
import { type OrderedClient, PlainClient, SdkClient } from "./publish_order_clients.ts";
import { ModelIsolate, RoomLog } from "./publish_order_model.ts";

/** Step of a run. Indexes wrap around. */
type Step =
  | { readonly do: "publish"; readonly client: number; readonly count: number }
  /** Decides the result of an isolate's oldest pending calls. */
  | { readonly do: "decide"; readonly isolate: number; readonly result: CallResult; readonly count: number }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "connect"; readonly client: number; readonly isolate: number }
  | { readonly do: "break"; readonly client: number };

/** Parameters of a run. Latencies are short enough for retries to arrive in time. */
interface RunOptions {
  readonly latenciesMs: readonly number[];
  readonly lagsMs: readonly number[];
  readonly maxPendingPublishes: number;
  readonly seed: number;
  /** True if a hook delays each message by some time, and fails some. */
  readonly hasHook: boolean;
}

/** Publishes of one client; fewer than the server's memory of refused ones. */
const MAX_PUBLISHED = 24;
/** Rounds at the end until everything is stored. */
const MAX_ROUNDS = 2_000;
const RUNS = 400;

const index = fc.nat({ max: 2 });
const ms = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 1_200 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      client: index,
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("decide" as const),
      isolate: index,
      result: fc.constantFrom<CallResult[]>("stored", "refused", "unknown"),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("pass" as const), ms }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("connect" as const), client: index, isolate: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("break" as const), client: index }) },
);
const steps = fc.array(step, { maxLength: 60, size: "max" });
const options: fc.Arbitrary<RunOptions> = fc.record({
  latenciesMs: fc.array(ms, { minLength: 3, maxLength: 3 }),
  lagsMs: fc.array(ms, { minLength: 2, maxLength: 2 }),
  maxPendingPublishes: fc.constantFrom(MAX_PUBLISHED / 2, 256),
  seed: fc.nat(),
  hasHook: fc.boolean(),
});

/** Makes a hook that takes up to 20 ms, and fails one time in ten, ten times at most. */
function createHook(clock: ManualClock, random: SeededRandom): () => Promise<void> {
  let failuresLeft = 10;
  return async function hook() {
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.setTimer(resolve, random.below(20));
    await promise;
    if (failuresLeft > 0 && random.below(10) === 0) failuresLeft--;
    else return;
    throw new TookTooLong("the hook was slow");
  };
}

/** Runs the steps, then continues until all is stored. Resolves with the stored ids. */
async function run(steps: readonly Step[], options: RunOptions): Promise<readonly string[]> {
  const clock = new ManualClock();
  const log = new RoomLog(clock);
  const { latenciesMs: [first = 0, second = 0, third = 0], lagsMs, maxPendingPublishes, seed } = options;
  const hook = options.hasHook ? createHook(clock, new SeededRandom(seed + 1)) : undefined;
  const isolates = lagsMs.map((lagMs) => new ModelIsolate({ clock, log, lagMs, maxPendingPublishes, hook }));
  const clients: readonly OrderedClient[] = [
    new SdkClient("alice", clock, first),
    new SdkClient("bob", clock, second),
    new PlainClient("carol", clock, third, new SeededRandom(seed)),
  ];
  const at = <T>(list: readonly T[], index: number): T => {
    const one = list[index % list.length];
    assert(one);
    return one;
  };
  for (const [index, client] of clients.entries()) client.connect(at(isolates, index));
  for (const step of steps) {
    switch (step.do) {
      case "publish": {
        const client = at(clients, step.client);
        for (let count = step.count; count > 0 && client.published.size < MAX_PUBLISHED; count--) {
          client.publish();
        }
        await clock.pass(0);
        break;
      }
      case "decide":
        await at(isolates, step.isolate).store.decide(step.result, step.count);
        // The results must be handled before the next frame.
        await rest();
        await clock.pass(0);
        break;
      case "pass":
        await clock.pass(step.ms);
        break;
      case "connect":
        at(clients, step.client).connect(at(isolates, step.isolate));
        break;
      case "break":
        at(clients, step.client).break();
        break;
      default:
        step satisfies never;
    }
  }
  for (const [index, client] of clients.entries()) client.connect(at(isolates, index));
  const isDone = () => clients.every(({ published }) => [...published.values()].every(Boolean));
  for (let round = 0; !isDone(); round++) {
    assert(round < MAX_ROUNDS, "A publish was never stored.");
    await clock.pass(100);
    for (const { store } of isolates) await store.decide("stored");
    await rest();
  }
  for (const { user, published } of clients) {
    const stored = log.messages.filter(({ from }) => from.user === user);
    assertEquals(stored.map(({ id }) => id), [...published.keys()], `stored messages of ${user}`);
    assertEquals(stored.map(({ offset }) => offset), [...published.values()], `acked offsets of ${user}`);
  }
  return log.messages.map(({ id }) => id);
}

Deno.test("5.10 with any refusals, each client's messages are stored once, in publish order", async () => {
  await fc.assert(
    fc.asyncProperty(steps, options, async (steps, options) => void await run(steps, options)),
    { numRuns: RUNS },
  );
});
