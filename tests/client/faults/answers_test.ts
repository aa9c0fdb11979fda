import { assert, assertEquals, assertRejects } from "@std/assert";
import { RoomError, type ServerFrame } from "../../../packages/client/mod.ts";
import { BackplaneUnavailable } from "../../../packages/server/src/backplane/contract.ts";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { lostAck } from "../../support/fault_proxy/faults.ts";
import type { SeenMessage } from "../../support/fault_proxy/seen_message.ts";
import { RoomClient } from "../../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../../support/room_services.ts";
import type { RunningServer } from "../../support/running_server.ts";
import { ManualClock } from "../manual_clock.ts";
import { FollowedRoom, oneTo, quick } from "./followed_room.ts";
import { observedSocket } from "./observed_socket.ts";
import { startStoppable } from "./stoppable_service.ts";

const PATH = "/realtime/rooms/r";

/** Removes the limits of `welcome`, so that the room sends as fast as it can. */
function withoutLimits(frame: ServerFrame): ServerFrame {
  if (frame.type !== "welcome") return frame;
  return { ...frame, limits: { ...frame.limits, frames_per_second: 1_000_000, frames_burst: 1_000_000 } };
}

/** Data of the messages that a member was told. */
async function dataTold(member: RoomClient): Promise<unknown[]> {
  return (await member.takeAll()).flatMap((frame) => frame.type === "message" ? [frame.data] : []);
}

Deno.test("what is refused as rate_limited is sent again when the server says, and the order is kept", async () => {
  await using running = await startStoppable({ env: { FRAMES_BURST: "10", FRAMES_PER_SECOND: "1000" } });
  // The server's time passes between messages only, so that refusals do not depend on the machine's
  // load.
  let now = Date.now();
  changeRoomServices(running, { now: () => now });
  const onMessage = ({ direction }: SeenMessage) => {
    if (direction === "toServer") now += 10;
  };
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using proxy = FaultProxy.start(running.port, { onMessage });
  const WebSocket = observedSocket({ hear: withoutLimits });
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", { WebSocket }));
  await alice.untilLive(1);
  const stored = await Promise.all(oneTo(45).map((n) => alice.room.publish("chat", n)));
  assertEquals(stored, oneTo(45));
  const refused = alice.frames.filter(({ frame }) => frame.type === "error" && frame.code === "rate_limited");
  assert(refused.length >= 35, `${refused.length} were refused`);
  assertEquals(alice.errors, []);
  assertEquals(await dataTold(bob), oneTo(45));
});

Deno.test("within the limits that welcome tells nothing is refused, however much is published at once", async () => {
  await using running = await startStoppable({ env: { FRAMES_BURST: "10", FRAMES_PER_SECOND: "200" } });
  const clock = new ManualClock();
  const startedAt = Date.now() - clock.now();
  changeRoomServices(running, { now: () => startedAt + clock.now() });
  await using proxy = FaultProxy.start(running.port);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", { clock }));
  await alice.untilLive(1);
  const stored = Promise.all(oneTo(60).map((n) => alice.room.publish("chat", n)));
  const count = (wanted: string) => alice.frames.filter(({ frame }) => frame.type === wanted).length;
  await alice.until(() => count("publish") > 0, "the first publish");
  // Every step is over for the server before time goes on.
  for (let steps = 0; alice.room.pending > 0; steps++) {
    assert(steps < 1_000, `${alice.room.pending} wait`);
    await alice.until(() => count("publish") === count("ack"), "the acks");
    await clock.pass(5);
  }
  assertEquals(await stored, oneTo(60));
  assertEquals(count("error"), 0);
});

Deno.test("closed with 4429 for a flood: it waits for what the last error said, and then all is published once", async () => {
  await using running = await startStoppable({ env: { FRAMES_BURST: "5", FRAMES_PER_SECOND: "1" } });
  let isFirst = true;
  // It floods on its first connection only.
  const hear = (frame: ServerFrame) => isFirst ? withoutLimits(frame) : frame;
  const clock = new ManualClock();
  const options = quick(running, "alice", {
    clock,
    random: () => 0.5,
    retry: { minMs: 100, maxMs: 100 },
    WebSocket: observedSocket({ hear }),
  });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using proxy = FaultProxy.start(running.port);
  await using alice = FollowedRoom.connect(proxy.url(PATH), options);
  await alice.untilLive(1);
  const own = oneTo(80).map((n) => alice.room.publish("chat", n));
  await alice.until(() => alice.waits.length > 0, "the close");
  isFirst = false;
  const { state } = alice.room;
  assert(state.type === "waiting");
  assertEquals([state.reason.code, state.reason.closeCode], ["rate_limited", 4429]);
  const errors = alice.frames.flatMap(({ frame }) => frame.type === "error" ? [frame] : []);
  const { retry_after_ms: toldMs = 0 } = errors.at(-1) ?? {};
  assertEquals(toldMs, 10_000);
  assertEquals(state.retryAt - clock.wallNow(), toldMs + 50);
  await clock.pass(toldMs + 49);
  assertEquals(alice.room.state, state);
  // From now on the server takes as much as it says it does.
  changeRoomServices(running, {
    limits: {
      ...running.engine.deps.rooms.limits,
      frames_burst: 1_000,
      frames_per_second: 1_000,
    },
  });
  await clock.pass(1);
  assertEquals((await Promise.all(own)).length, 80);
  assertEquals(await dataTold(bob), oneTo(80));
});

/**
 * Lets a number of publishes fail, before or after the message was stored. Returns the attempted
 * ids.
 */
function breakPublishing(running: RunningServer, times: number, stores: boolean): readonly string[] {
  const backplane = backplaneOf(running);
  const ids: string[] = [];
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async publish(room, drafts) {
        ids.push(...drafts.map(({ id }) => id));
        if (ids.length > times) return await backplane.publish(room, drafts);
        if (stores) await backplane.publish(room, drafts);
        throw new BackplaneUnavailable("away");
      },
    }),
  });
  return ids;
}

Deno.test("what is answered with unavailable is sent again under the same id until it is stored, and that once", async () => {
  await using running = await startStoppable();
  const ids = breakPublishing(running, 4, false);
  await using proxy = FaultProxy.start(running.port);
  const clock = new ManualClock();
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", { clock }));
  await alice.untilLive(1);
  const said = alice.room.publish("chat", 1, { id: "m" });
  for (const count of oneTo(4)) {
    const isRefusal = ({ frame }: { readonly frame: { readonly type: string } }) => frame.type === "error";
    await alice.until(() => alice.frames.filter(isRefusal).length === count, `refusal ${count}`);
    await clock.pass(999);
    assertEquals(ids.length, count);
    await clock.pass(1);
  }
  assertEquals(await said, 1);
  assertEquals(ids, ["m", "m", "m", "m", "m"]);
  assertEquals(alice.offsets, [1]);
  assertEquals(await alice.room.publish("chat", 2), 2);
  assertEquals(alice.errors, []);
  assertEquals(alice.waits, []);
});

Deno.test("what is answered with unavailable but was stored is known to be when it is delivered", async () => {
  await using running = await startStoppable();
  const ids = breakPublishing(running, 1, true);
  await using proxy = FaultProxy.start(running.port);
  const clock = new ManualClock();
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", { clock }));
  assertEquals(await alice.room.publish("chat", 1, { id: "m" }), 1);
  assertEquals(await alice.room.publish("chat", 2, { id: "n" }), 2);
  await clock.pass(10_000);
  assertEquals(await alice.room.publish("chat", 3, { id: "o" }), 3);
  assertEquals(ids, ["m", "n", "o"]);
  assertEquals(alice.data, [1, 2, 3]);
});

Deno.test("a room that cannot be joined now is tried again when the server says, and what was published arrives", async () => {
  await using running = await startStoppable();
  const backplane = backplaneOf(running);
  let isAway = true;
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      subscribe: (room, deliver) =>
        isAway ? Promise.reject(new BackplaneUnavailable("away")) : backplane.subscribe(room, deliver),
    }),
  });
  await using proxy = FaultProxy.start(running.port);
  const clock = new ManualClock();
  await using alice = FollowedRoom.connect(
    proxy.url(PATH),
    quick(running, "alice", { clock, random: () => 0 }),
  );
  const said = alice.room.publish("chat", 1);
  await alice.until(() => alice.waits.length === 1, "the refusal");
  const { state } = alice.room;
  assert(state.type === "waiting");
  assertEquals([state.reason.code, state.reason.closeCode, state.retryAt - clock.wallNow()], [
    "unavailable",
    1013,
    1_000,
  ]);
  isAway = false;
  await clock.pass(1_000);
  assertEquals(await said, 1);
});

Deno.test("what is emitted is rejected with offline when there is no connection or it breaks, and never sent again", async () => {
  await using running = await startStoppable();
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ cut: lostAck() });
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  const isOffline = (promise: Promise<unknown>) => assertRejects(() => promise, RoomError, "no connection");
  assertEquals((await isOffline(alice.room.emit("cursor", "early"))).code, "offline");
  await alice.untilLive(1);
  assertEquals((await isOffline(alice.room.emit("cursor", "cut"))).code, "offline");
  assertEquals((await isOffline(alice.room.emit("cursor", "away"))).code, "offline");
  await alice.untilLive(2);
  await alice.room.emit("cursor", "taken");
  await alice.room.publish("chat", "marker");
  assertEquals(await dataTold(bob), ["cut", "taken", "marker"]);
});

Deno.test("as many messages wait as the outbox takes; one more is refused, and those arrive", async () => {
  await using running = await startStoppable();
  await using proxy = FaultProxy.start(running.port);
  proxy.refuse();
  await using alice = FollowedRoom.connect(
    proxy.url(PATH),
    quick(running, "alice", { outbox: { limit: 3 } }),
  );
  const own = oneTo(3).map((n) => alice.room.publish("chat", n));
  const full = await assertRejects(() => alice.room.publish("chat", 4), RoomError);
  assertEquals([full.code, alice.room.pending], ["outbox_full", 3]);
  proxy.allow();
  assertEquals(await Promise.all(own), oneTo(3));
  assertEquals(await alice.room.publish("chat", 5), 4);
  assertEquals(alice.data, [1, 2, 3, 5]);
});
