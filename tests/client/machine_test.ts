/** The state machine, step by step, with a clock that the test moves. */
import { assert, assertEquals } from "@std/assert";
import { closeReason } from "../../packages/client/connection/close_reasons.ts";
import { RoomError } from "../../packages/client/errors.ts";
import { MachineWorld, WALL_MS, welcomeFrame } from "./machine_world.ts";

const broken = () => closeReason(1006, "", {});
const types = (world: MachineWorld) => world.effects().map(({ type }) => type);

Deno.test("a room that opens asks for a token, opens a socket with it, and is live with its welcome", () => {
  const world = new MachineWorld();
  assertEquals(world.machine.state, { type: "idle" });
  world.say({ type: "open" });
  assertEquals(world.effects(), [{ type: "ask_token", run: 1, refresh: false }]);
  world.say({ type: "token", token: "t-1" });
  assertEquals(world.effects(), [{ type: "open_socket", run: 2, token: "t-1" }]);
  assertEquals(world.machine.state, { type: "connecting", attempt: 0 });
  world.say({ type: "welcome", welcome: welcomeFrame(), resumed: false });
  assertEquals(world.machine.state, { type: "live", connection: "c-1", user: "alice", recovered: null });
});

Deno.test("what comes of something older changes nothing", () => {
  const world = new MachineWorld();
  world.say({ type: "open" });
  world.say({ type: "token", token: "t-1" });
  const before = world.machine;
  world.effects();
  world.say({ type: "token", token: "late", run: 1 });
  world.say({ type: "failed", reason: broken(), run: 1 });
  assertEquals(world.machine, before);
  assertEquals(world.effects(), []);
});

Deno.test("each failure doubles the bound of the wait, and chance says where in it", () => {
  const world = new MachineWorld();
  world.say({ type: "open" });
  const waits: number[] = [];
  for (let failures = 1; failures <= 9; failures++) {
    world.say({ type: "failed", reason: new RoomError("unreachable", "no network") });
    const { state } = world.machine;
    assert(state.type === "waiting");
    assertEquals(state.attempt, failures);
    waits.push(state.retryAt - WALL_MS - world.now);
    world.pass(state.retryAt - WALL_MS - world.now);
  }
  assertEquals(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
});

Deno.test("4401 is answered with a fresh token at once, and when that expires at once too, with a wait", () => {
  const world = new MachineWorld();
  world.goLive();
  world.effects();
  world.say({ type: "failed", reason: closeReason(4401, "", {}) });
  assertEquals(world.effects().at(-1), { type: "ask_token", run: 3, refresh: true });
  world.say({ type: "token", token: "t-2" });
  world.say({ type: "welcome", welcome: welcomeFrame(), resumed: true });
  world.say({ type: "failed", reason: closeReason(4401, "", {}) });
  assertEquals(world.machine.type, "waiting");
  world.pass(world.dueAt - world.now);
  assertEquals(world.effects().at(-1), { type: "ask_token", run: world.machine.run, refresh: true });
});

Deno.test("isolates that go as announced every second do not lengthen the wait, and sooner they do", () => {
  const attempts = (aliveMs: number): number[] => {
    const world = new MachineWorld();
    return [1, 2, 3].map(() => {
      world.goLive();
      world.pass(aliveMs);
      world.say({ type: "failed", reason: closeReason(1012, "", {}) });
      const { state } = world.machine;
      assert(state.type === "waiting");
      world.pass(state.retryAt - WALL_MS - world.now);
      return state.attempt;
    });
  };
  assertEquals(attempts(1_000), [1, 1, 1]);
  assertEquals(attempts(999), [1, 2, 3]);
});

Deno.test("a connection that held out for ten seconds makes up for the failures before it", () => {
  for (const [heldMs, expected] of [[9_999, 3], [10_000, 1]] as const) {
    const world = new MachineWorld();
    world.say({ type: "open" });
    for (let failures = 0; failures < 2; failures++) {
      world.say({ type: "failed", reason: broken() });
      world.pass(world.dueAt - world.now);
    }
    world.say({ type: "token", token: "t" });
    world.say({ type: "welcome", welcome: welcomeFrame(), resumed: false });
    world.now += heldMs;
    world.say({ type: "failed", reason: broken() });
    const { state } = world.machine;
    assert(state.type === "waiting");
    assertEquals(state.attempt, expected);
  }
});

Deno.test("a hint of the server is kept to, also by who wakes up meanwhile", () => {
  const world = new MachineWorld();
  world.random = 0.999;
  world.goLive();
  world.say({ type: "failed", reason: closeReason(4429, "", { type: "error", retry_after_ms: 10_000 }) });
  assert(world.dueAt >= world.now + 10_000);
  world.effects();
  world.pass(9_000);
  world.say({ type: "wake" });
  assertEquals(world.effects(), []);
  assertEquals(world.dueAt, world.now + 1_000);
  world.pass(1_000);
  assertEquals(types(world), ["ask_token"]);
});

Deno.test("who wakes up while waiting connects at once", () => {
  const world = new MachineWorld();
  world.goLive();
  world.say({ type: "failed", reason: broken() });
  world.effects();
  world.say({ type: "wake" });
  assertEquals(types(world), ["ask_token"]);
});

Deno.test("silence is asked about, and ends the connection when nobody answers", () => {
  const world = new MachineWorld();
  world.goLive();
  world.effects();
  world.pass(37_500);
  assertEquals(types(world), ["ping"]);
  world.pass(3_999);
  assertEquals(types(world), []);
  world.pass(1);
  assertEquals(world.effects(), [{ type: "close_socket", code: 4000 }]);
  const { state } = world.machine;
  assert(state.type === "waiting");
  assertEquals(state.reason.code, "silent");
});

Deno.test("who wakes up while live asks whether the server is there, and goes on when it answers", () => {
  const world = new MachineWorld();
  world.goLive();
  world.effects();
  world.now += 1_000;
  world.say({ type: "wake" });
  assertEquals(types(world), ["ping"]);
  world.say({ type: "received" });
  world.pass(4_000);
  assertEquals(types(world), []);
  assertEquals(world.machine.type, "live");
});

Deno.test("a timer that fires late, as after sleep, asks again before it gives the connection up", () => {
  const world = new MachineWorld();
  world.goLive();
  world.effects();
  world.pass(3_600_000);
  assertEquals(types(world), ["ping"]);
  world.say({ type: "received" });
  assertEquals(world.machine.type, "live");
});

Deno.test("where timers fire once a minute a silent server is given up all the same", () => {
  const world = new MachineWorld();
  world.goLive();
  let minutes = 0;
  for (; world.machine.type === "live" && minutes < 10; minutes++) world.pass(60_000);
  assertEquals(minutes, 3);
});

Deno.test("an idle client pings when it gets a heartbeat of the server, and its timer pings only where none comes", () => {
  const world = new MachineWorld();
  world.goLive();
  world.effects();
  const pingedAt: number[] = [];
  const startedAt = world.now;
  for (let heartbeats = 0; heartbeats < 4; heartbeats++) {
    world.pass(17_500);
    if (types(world).length > 0) pingedAt.push(-1);
    world.say({ type: "received" });
    if (types(world).length > 0) pingedAt.push(world.now - startedAt);
  }
  assertEquals(pingedAt, [35_000, 70_000]);
  for (let frames = 0; frames < 3; frames++) {
    world.pass(8_000);
    world.say({ type: "received" });
  }
  assertEquals(types(world), []);
  world.pass(13_500);
  assertEquals(types(world), ["ping"]);
});

Deno.test("where no timer fires at all, what the server sends is the occasion to ping", () => {
  const world = new MachineWorld();
  world.goLive();
  world.effects();
  let pings = 0;
  for (let heartbeats = 0; heartbeats < 8; heartbeats++) {
    world.now += 25_000;
    world.say({ type: "received" });
    pings += types(world).length;
  }
  assertEquals(pings, 8);
});

Deno.test("a token that does not come, a server that does not answer: each ends in a wait that says so", () => {
  const world = new MachineWorld();
  world.say({ type: "open" });
  world.pass(30_000);
  assert(world.machine.state.type === "waiting");
  assertEquals(world.machine.state.reason.code, "token_failed");
  world.pass(world.dueAt - world.now);
  world.say({ type: "token", token: "t" });
  world.pass(10_000);
  assert(world.machine.state.type === "waiting");
  assertEquals(world.machine.state.reason.code, "unreachable");
});

Deno.test("a socket that was opening when the machine woke up has only as long as a probe", () => {
  const world = new MachineWorld();
  world.say({ type: "open" });
  world.say({ type: "token", token: "t" });
  world.say({ type: "wake" });
  assertEquals(world.dueAt, world.now + 4_000);
});

Deno.test("a room that ended for good says why, does nothing more, and can be opened again", () => {
  const world = new MachineWorld();
  world.goLive();
  world.say({ type: "failed", reason: closeReason(4403, "no longer a member", {}) });
  const { state } = world.machine;
  assert(state.type === "closed");
  assertEquals(state.reason.code, "forbidden");
  assertEquals(state.reason.message, "The connection ended: no longer a member (4403).");
  world.effects();
  for (const type of ["due", "wake", "reconnect"] as const) world.say({ type });
  assertEquals(world.effects(), []);
  world.say({ type: "open" });
  assertEquals(types(world), ["ask_token"]);
});

Deno.test("to reconnect is to drop the connection and ask for a token at once", () => {
  const world = new MachineWorld();
  world.goLive();
  world.effects();
  world.say({ type: "reconnect" });
  assertEquals(types(world), ["close_socket", "ask_token"]);
});
