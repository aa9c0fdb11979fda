import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Backplane, PresenceChange } from "../../packages/server/src/backplane/contract.ts";
import { Listener, sortEntries } from "./listener.ts";
import { PresenceModel } from "./presence_model.ts";
import { entry } from "./samples.ts";
import { type Subject, type TestWorld, USUAL, worldTest } from "./world.ts";

/** No multiple of STEP_MS, so that no test depends on the millisecond at which a period ends. */
const GRACE_MS = 25_000;
const STEP_MS = 10_000;

type PresenceStep =
  | { readonly do: "enter"; readonly connection: string; readonly state: string }
  | { readonly do: "leave" | "linger"; readonly connection: string }
  | { readonly do: "resume"; readonly connection: string; readonly previous: string | undefined }
  | { readonly do: "advance"; readonly steps: number }
  | { readonly do: "subscribe" | "restart"; readonly isolate: number };

const ISOLATES = 3;
const isolate = fc.nat({ max: ISOLATES - 1 });
// The number of a connection is its isolate. Each isolate has one connection per user, so that two
// connections of a user are never lost at the same time.
const connection = fc.tuple(fc.constantFrom("alice", "bob"), isolate).map(([user, number]) =>
  `${user}${number}`
);
const state = fc.constantFrom("{}", '{"a":1}');

const step: fc.Arbitrary<PresenceStep> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("enter" as const), connection, state }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom("leave", "linger", "linger"), connection }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("resume" as const),
      connection,
      previous: fc.option(connection, { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("advance" as const), steps: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("subscribe", "restart"), isolate }) },
);

/** Tests random sequences against the model. */
export function testPresenceProperty(subject: Subject): void {
  worldTest(
    subject,
    "in any sequence of steps all isolates get the same changes, and these match the presence list",
    async (world) => {
      const isolates: Backplane[] = [];
      for (let count = 0; count < ISOLATES; count++) isolates.push(await world.open());
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
          await new PresenceRun(world, isolates, `run ${run++}`).run(steps);
        }),
        { numRuns: subject.runs },
      );
    },
    { ...USUAL, graceMs: GRACE_MS },
  );
}

/** A subscription, and the number of the model's changes before its start. */
interface Follower {
  readonly isolate: number;
  readonly listener: Listener;
  readonly since: number;
}

/** Runs steps on an unused room and on the model. */
class PresenceRun {
  readonly #world: TestWorld;
  /** Isolates of the run; a restart replaces one. */
  readonly #isolates: Backplane[];
  readonly #room: string;
  readonly #model = new PresenceModel();
  #followers: readonly Follower[] = [];

  constructor(world: TestWorld, isolates: Backplane[], room: string) {
    this.#world = world;
    this.#isolates = isolates;
    this.#room = room;
  }

  async run(steps: readonly PresenceStep[]): Promise<void> {
    for (let isolate = 0; isolate < ISOLATES; isolate++) await this.#subscribe(isolate);
    for (const step of steps) {
      await this.#do(step);
      assertEquals(sortEntries(await this.#isolate(0).present(this.#room)), sortEntries(this.#model.present));
    }
    await this.#do({ do: "enter", connection: "marker0", state: "{}" });
    for (const { listener, since } of this.#followers) {
      await listener.untilJoined("marker0");
      assertEquals(sortDepartures(listener.changes), sortDepartures(this.#model.changes.slice(since)));
      assertEquals(listener.present, sortEntries(this.#model.present));
      listener.close();
    }
  }

  async #do(step: PresenceStep): Promise<void> {
    switch (step.do) {
      case "enter": {
        const entered = entry(step.connection, step.state);
        await this.#isolateOf(step.connection).enter(this.#room, entered);
        return this.#model.enter(entered, numberOf(step.connection));
      }
      case "leave":
        await this.#isolateOf(step.connection).leave(this.#room, step.connection);
        return this.#model.leave(step.connection);
      case "linger":
        await this.#isolateOf(step.connection).linger(this.#room, step.connection, GRACE_MS);
        return this.#model.linger(step.connection, GRACE_MS);
      case "resume": {
        const { connection, previous } = step;
        const { user } = entry(connection);
        const resumption = { user, connection, ...(previous === undefined ? {} : { previous }) };
        await this.#isolateOf(connection).resume(this.#room, resumption);
        return this.#model.resume(resumption, numberOf(connection));
      }
      case "advance":
        await this.#world.advance(step.steps * STEP_MS);
        return this.#model.advance(step.steps * STEP_MS);
      case "subscribe":
        return await this.#subscribe(step.isolate);
      case "restart":
        return await this.#restart(step.isolate);
      default:
        step satisfies never;
    }
  }

  async #subscribe(isolate: number): Promise<void> {
    const listener = await Listener.open(this.#isolate(isolate), this.#room);
    assertEquals(sortEntries(listener.subscription.present), sortEntries(this.#model.present));
    this.#followers = [...this.#followers, { isolate, listener, since: this.#model.changes.length }];
  }

  async #restart(isolate: number): Promise<void> {
    await this.#isolate(isolate).close();
    this.#model.endIsolate(isolate, GRACE_MS);
    this.#followers = this.#followers.filter((follower) => follower.isolate !== isolate);
    this.#isolates[isolate] = await this.#world.open();
  }

  #isolateOf(connection: string): Backplane {
    return this.#isolate(numberOf(connection));
  }

  #isolate(number: number): Backplane {
    const isolate = this.#isolates[number];
    assert(isolate);
    return isolate;
  }
}

function numberOf(connection: string): number {
  return Number(connection.at(-1));
}

/** Sorts adjacent departures: entries that expire at the same time may leave in any order. */
function sortDepartures(changes: readonly PresenceChange[]): PresenceChange[] {
  const ordered: PresenceChange[] = [];
  for (const change of changes) {
    let index = ordered.length;
    if (change.type === "left") {
      for (let before = ordered[index - 1]; before?.type === "left"; before = ordered[index - 1]) {
        if (before.entry.connection <= change.entry.connection) break;
        index--;
      }
    }
    ordered.splice(index, 0, change);
  }
  return ordered;
}
