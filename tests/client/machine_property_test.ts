/**
 * Properties of the state machine for any order of events: never stuck, and a reason for every
 * state.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CLIENT_CLOSE } from "../../packages/protocol/close_codes.ts";
import { closeReason, reactionTo } from "../../packages/client/connection/close_reasons.ts";
import { RoomError, type RoomErrorCode } from "../../packages/client/errors.ts";
import { MachineWorld, type Said, WALL_MS, welcomeFrame } from "./machine_world.ts";

const CLOSE_CODES = [
  1000,
  1001,
  1003,
  1005,
  1006,
  1008,
  1009,
  1011,
  1012,
  1013,
  4400,
  4401,
  4403,
  4408,
  4429,
];
const REFUSALS: RoomErrorCode[] = [
  "unreachable",
  "refused",
  "token_failed",
  "signed_out",
  "invalid_token",
  "token_expired",
  "auth_unavailable",
  "forbidden",
  "not_found",
  "overloaded",
  "room_full",
  "too_many_connections",
  "hole",
];

/** An event after some time. `stale` gives it the number of an older run. */
interface TimedEvent {
  readonly said: Said;
  readonly stale: boolean;
  readonly passes: number | "to due" | "too late";
}

const reasons = fc.oneof(
  fc.tuple(
    fc.constantFrom(...CLOSE_CODES),
    fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined }),
  )
    .map(([code, retry_after_ms]) => closeReason(code, "", { type: "error", id: "a", retry_after_ms })),
  fc.tuple(fc.constantFrom(...REFUSALS), fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined }))
    .map(([code, retryAfterMs]) => new RoomError(code, `It is ${code}.`, { retryAfterMs })),
);
let tokens = 0;
const sayings: fc.Arbitrary<Said> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<Said>({ type: "open" }, { type: "wake" }, { type: "reconnect" }) },
  { weight: 6, arbitrary: fc.constant<Said>({ type: "due" }) },
  { weight: 6, arbitrary: fc.constant(0).map((): Said => ({ type: "token", token: `token-${++tokens}` })) },
  {
    weight: 6,
    arbitrary: fc.boolean().map((resumed): Said => ({ type: "welcome", welcome: welcomeFrame(), resumed })),
  },
  { weight: 3, arbitrary: fc.constantFrom<Said>({ type: "received" }, { type: "sent" }) },
  { weight: 6, arbitrary: reasons.map((reason): Said => ({ type: "failed", reason })) },
  {
    weight: 1,
    arbitrary: fc.constant<Said>({
      type: "stop",
      reason: new RoomError("closed", "The test has closed it."),
    }),
  },
);
const timedEvents: fc.Arbitrary<TimedEvent> = fc.record({
  said: sayings,
  stale: fc.integer({ min: 0, max: 9 }).map((die) => die === 0),
  passes: fc.oneof(
    fc.integer({ min: 0, max: 70_000 }),
    fc.constantFrom("to due" as const, "too late" as const),
  ),
});

/** Lets it happen, and holds what comes of it against what must always be. */
function live(world: MachineWorld, timed: TimedEvent, seen: { socket: boolean }): void {
  const { passes, stale, said } = timed;
  const untilDue = Math.max(0, Math.min(world.dueAt, world.now + 1_000_000) - world.now);
  world.now += passes === "to due" ? untilDue : passes === "too late" ? untilDue + 3_600_000 : passes;
  const before = world.machine;
  const isStale = stale && "type" in said &&
    !["open", "due", "wake", "reconnect", "stop"].includes(said.type);
  world.say(isStale ? { ...said, run: before.run - 1 } as Said : said);
  const { machine } = world;
  const effects = world.effects();
  if (isStale) {
    assertEquals(machine, before, "what comes of something older changed the machine");
    assertEquals(effects, []);
  }
  // A socket that failed is gone, whether it was the server or we who ended it.
  for (const effect of effects) {
    if (effect.type === "close_socket") seen.socket = false;
    if (effect.type === "open_socket") {
      assert(!seen.socket, "a second socket was opened beside the first");
      assert(said.type === "token");
      assertEquals(
        effect.token,
        said.token,
        "a socket was opened with another token than the one just given",
      );
      seen.socket = true;
    }
    if (effect.type === "ask_token") {
      const isAboutToken = said.type === "failed" && reactionTo(said.reason) === "fresh_token";
      assertEquals(effect.refresh, before.refresh || isAboutToken, "an old token was asked for");
    }
  }
  const { state } = machine;
  if (machine.type === "closed") {
    assert(state.type === "closed");
    assert(state.reason.code && state.reason.message, "the end has no reason");
    if (before.type !== "closed") {
      const isMeant = said.type === "stop" || said.type === "failed" && reactionTo(said.reason) === "stop";
      assert(isMeant, `${said.type} ended the room for good`);
      assertEquals(effects.map((effect) => "code" in effect && effect.code), [CLIENT_CLOSE.done]);
    } else assertEquals(effects, []);
  } else if (machine.type !== "idle") {
    assert(Number.isFinite(world.dueAt), `${machine.type} is checked at ${world.dueAt}`);
    if (state.type === "waiting") assert(state.reason.code && state.retryAt === world.dueAt + WALL_MS);
  }
}

/** From now on everything goes well: the room has to be live soon. */
function assertRecovers(world: MachineWorld): void {
  for (let steps = 0; steps < 20 && world.machine.type !== "live"; steps++) {
    for (const effect of world.effects()) {
      if (effect.type === "ask_token") world.say({ type: "token", token: "good", run: effect.run });
    }
    if (world.machine.type === "socket") {
      world.say({ type: "welcome", welcome: welcomeFrame(), resumed: true });
    } else world.pass(Math.max(0, world.dueAt - world.now));
  }
  assertEquals(world.machine.type, "live");
}

Deno.test("no sequence of events leads to a state without a way out, or to an end without its reason", () => {
  fc.assert(
    fc.property(
      fc.array(timedEvents, { maxLength: 60 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (sequence, random) => {
        const world = new MachineWorld();
        world.random = random;
        const seen = { socket: false };
        world.say({ type: "open" });
        world.effects();
        for (const timed of sequence) live(world, timed, seen);
        if (world.machine.type === "closed") world.say({ type: "open" });
        assertRecovers(world);
      },
    ),
    { numRuns: 3_000 },
  );
});

Deno.test("what can pass is tried again for ever, and the wait never exceeds its bound", () => {
  const passing = [1001, 1006, 1011, 1012, 1013, 4408, 4429, 4401].map((code) => closeReason(code, "", {}));
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...passing), { minLength: 50, maxLength: 200 }), (failures) => {
      const world = new MachineWorld();
      world.random = 0.999;
      world.say({ type: "open" });
      for (const reason of failures) {
        world.say({ type: "token", token: "t" });
        world.say({ type: "failed", reason });
        assert(world.machine.type === "waiting" || world.machine.type === "token");
        if (world.machine.type !== "waiting") continue;
        assert(world.dueAt - world.now <= 30_000);
        world.pass(world.dueAt - world.now);
      }
    }),
    { numRuns: 100 },
  );
});
