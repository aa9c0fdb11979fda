import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { afterBytes, type CutWay, within } from "../../support/fault_proxy/faults.ts";
import { freshId, RoomClient } from "../../support/room_client.ts";
import { backplaneOf, storeMessages } from "../../support/room_services.ts";
import type { RunningServer } from "../../support/running_server.ts";
import { ManualClock } from "../manual_clock.ts";
import { FollowedRoom, oneTo, quick } from "./followed_room.ts";
import { startStoppable } from "./stoppable_service.ts";

const PATH = "/realtime/rooms/r";

/** Stores messages in the room, all at once. */
async function store(running: RunningServer, data: readonly unknown[]): Promise<void> {
  const from = { user: "bob" };
  const drafts = data.map((one) => ({ id: freshId(), event: "chat", data: JSON.stringify(one), from }));
  await backplaneOf(running).publish("rooms/r", drafts);
}

/** `after` of each upgrade request, in order; null where it did not resume. */
function resumptions(proxy: FaultProxy): (number | null)[] {
  return proxy.requests.filter((request) => request.startsWith(`GET ${PATH}`) && !request.includes("/events"))
    .map((request) => {
      const after = new URL(request.slice("GET ".length), proxy.origin).searchParams.get("after");
      return after === null ? null : Number(after);
    });
}

/** Cuts within the upgrade's answer, at the start of `welcome`, within it, and right after it. */
const WITHIN_WELCOME = [
  afterBytes("toClient", 60),
  within("toClient", { type: "welcome" }, 1),
  within("toClient", { type: "welcome" }, 100),
  within("toClient", { type: "presence" }, 0),
];

for (const cutWay of ["reset", "fin"] satisfies CutWay[]) {
  Deno.test(`cut within welcome with a ${cutWay}, on joining and on resuming: the next connection brings all`, async () => {
    await using running = await startStoppable();
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    await using proxy = FaultProxy.start(running.port);
    const cuts = WITHIN_WELCOME.map((cut) => ({ cut, cutWay }));
    proxy.next(...cuts.slice(0, 3));
    await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
    const early = alice.room.publish("chat", "early");
    await alice.untilLive(1);
    assertEquals(await early, 1);
    proxy.next(...cuts);
    proxy.cutAll();
    const late = alice.room.publish("chat", "late");
    await bob.publish("meanwhile");
    await late;
    await alice.untilMessages(3);
    assertEquals(alice.offsets, [1, 2, 3]);
    assertEquals([...alice.data].sort(), ["early", "late", "meanwhile"]);
    assertEquals(alice.gaps, []);
    assertEquals(proxy.faultsLeft, 0);
    // The cut after `welcome` broke a live connection, the earlier ones a connection attempt.
    assertEquals(alice.recoveries, [null, true, true]);
  });
}

Deno.test("cut within the replay: the next connection goes on in the middle, and nothing comes twice", async () => {
  await using running = await startStoppable();
  await using proxy = FaultProxy.start(running.port);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  await alice.untilLive(1);
  proxy.refuse();
  proxy.cutAll();
  // The server joins replayed frames up to 32 KiB.
  await store(running, oneTo(60).map(() => "x".repeat(2_000)));
  const cuts = [1, 2, 2].map((nth) => ({ cut: within("toClient", { type: "message", nth }, 5_000) }));
  proxy.next(...cuts);
  proxy.allow();
  await alice.untilMessages(60);
  assertEquals(alice.offsets, oneTo(60));
  assertEquals(alice.gaps, []);
  const [first, ...again] = resumptions(proxy);
  assertEquals(first, null);
  assertEquals(again.filter((after) => after === 0).length > 0, true);
  const inTheMiddle = again.filter((after) => after !== null && after > 0 && after < 60);
  assertEquals(new Set(inTheMiddle).size, 2, `it resumed after ${again}`);
});

Deno.test("cut within the history of a first connect: it goes on within that", async () => {
  await using running = await startStoppable();
  await storeMessages(running, "r", 1_000);
  await using proxy = FaultProxy.start(running.port);
  const cuts = [1, 2].map((nth) => ({ cut: within("toClient", { type: "message", nth }, 9_000) }));
  proxy.next(...cuts);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", { history: 500 }));
  await alice.untilMessages(500);
  assertEquals(alice.offsets, oneTo(1_000).slice(500));
  assertEquals(alice.gaps, []);
  assertEquals(proxy.faultsLeft, 0);
  const [first, second, third] = resumptions(proxy);
  assertEquals([first, second], [null, 500]);
  assert(third !== null && third !== undefined);
  assertGreater(third, 500);
  assertLess(third, 1_000);
});

Deno.test("a page of history that is cut off comes on the next connection", async () => {
  await using running = await startStoppable();
  await storeMessages(running, "r", 100);
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ cut: within("toClient", { type: "history" }, 500) });
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  const { messages, more } = await alice.room.history({ before: 51, limit: 20 });
  assertEquals([messages.map(({ offset }) => offset), more], [oneTo(50).slice(30), true]);
  assertEquals(proxy.count("cut"), 1);
});

Deno.test("an isolate that drains: the next one has what was published meanwhile", async () => {
  await using old = await startStoppable();
  await using running = await startStoppable({ issuer: old.issuer });
  // The same history, as a shared backplane has it.
  Object.assign(running.engine.deps, { rooms: old.engine.deps.rooms });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using proxy = FaultProxy.start(old.port);
  const clock = new ManualClock();
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(old, "alice", { clock, random: () => 0 }));
  await alice.untilLive(1);
  proxy.serverPort = running.port;
  await old.engine.connections.drain("termination", 0);
  await alice.until(() => alice.room.state.type === "waiting", "the close");
  await bob.publish(1);
  const own = alice.room.publish("chat", 2);
  const { state } = alice.room;
  const draining = alice.frames.find(({ frame }) => frame.type === "draining")?.frame;
  assert(state.type === "waiting" && draining?.type === "draining");
  assertEquals([state.reason.code, state.reason.closeCode], ["draining", 1012]);
  assertEquals(state.retryAt - clock.wallNow(), draining.reconnect_after_ms);
  await clock.pass(draining.reconnect_after_ms);
  assertEquals(await own, 2);
  await alice.untilMessages(2);
  assertEquals(alice.data, [1, 2]);
  assertEquals(alice.recoveries, [null, true]);
});

Deno.test("who reads too slowly is closed with 1013, resumes, and has everything once", async () => {
  await using running = await startStoppable();
  await using proxy = FaultProxy.start(running.port);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  await alice.untilLive(1);
  const connection = await proxy.connection(1);
  connection.throttle({ toClient: 0 });
  // Twice what may wait for one socket, in one turn.
  const count = 40;
  await store(running, oneTo(count).map(() => "x".repeat(60_000)));
  connection.throttle({ toClient: Infinity });
  await alice.untilMessages(count);
  assertEquals(alice.offsets, oneTo(count));
  const [reason] = alice.reasons;
  assertEquals([reason?.code, reason?.closeCode], ["unavailable", 1013]);
  assertEquals(alice.recoveries, [null, true]);
  assertEquals(alice.gaps, []);
});
