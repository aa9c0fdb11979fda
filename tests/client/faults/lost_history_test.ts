import { assertEquals, assertNotEquals } from "@std/assert";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { before, lostAck } from "../../support/fault_proxy/faults.ts";
import { RoomClient } from "../../support/room_client.ts";
import { storeMessages } from "../../support/room_services.ts";
import type { RunningServer } from "../../support/running_server.ts";
import { FollowedRoom, oneTo, quick } from "./followed_room.ts";
import { startStoppable } from "./stoppable_service.ts";

const PATH = "/realtime/rooms/r";

/** Alice on a server that knows three messages, and then the network away. */
async function loseServer(proxy: FaultProxy, old: RunningServer): Promise<FollowedRoom> {
  const alice = FollowedRoom.connect(proxy.url(PATH), quick(old, "alice"));
  await alice.untilLive(1);
  for (const n of oneTo(3)) await alice.room.publish("chat", `old ${n}`);
  await alice.untilMessages(3);
  proxy.refuse();
  proxy.cutAll();
  return alice;
}

Deno.test("a server that starts again with an empty memory: the gap is told, and nothing of what is there now is lost", async () => {
  await using old = await startStoppable();
  await using running = await startStoppable({ issuer: old.issuer });
  await using proxy = FaultProxy.start(old.port);
  await using alice = await loseServer(proxy, old);
  const { epoch } = alice.room.position ?? {};
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  for (const n of oneTo(3)) await bob.publish(`bob ${n}`);
  const own = oneTo(2).map((n) => alice.room.publish("chat", `away ${n}`));
  proxy.serverPort = running.port;
  proxy.allow();
  assertEquals(await Promise.all(own), [4, 5]);
  await alice.untilMessages(8);
  assertEquals(alice.gaps, [{ from: 4, to: null, epoch: epoch ?? "" }]);
  assertEquals(alice.recoveries, [null, false]);
  assertEquals(alice.data.slice(3), ["bob 1", "bob 2", "bob 3", "away 1", "away 2"]);
  assertEquals(alice.offsets.slice(3), oneTo(5));
  assertEquals(alice.room.position, { epoch: bob.welcome.epoch, offset: 5 });
  assertNotEquals(bob.welcome.epoch, epoch);
  const seen = (await bob.takeAll()).filter((frame) => frame.type === "message");
  assertEquals(seen.map(({ data }) => data), alice.data.slice(3));
  // From here on it is an ordinary room again.
  proxy.cutAll();
  assertEquals(await alice.room.publish("chat", "later"), 6);
  assertEquals(alice.recoveries.slice(2), [true]);
  assertEquals(alice.gaps.length, 1);
});

Deno.test("a message whose ack was lost with its server is published on the new one, once", async () => {
  await using old = await startStoppable();
  await using running = await startStoppable({ issuer: old.issuer });
  await using proxy = FaultProxy.start(old.port);
  proxy.next({ cut: lostAck("m") });
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(old, "alice"));
  await alice.untilLive(1);
  proxy.serverPort = running.port;
  assertEquals(await alice.room.publish("chat", 1, { id: "m" }), 1);
  await alice.untilMessages(1);
  assertEquals(alice.offsets, [1]);
  assertEquals(alice.gaps.length, 1);
});

for (const what of ["gap", "message", "presence"]) {
  Deno.test(`cut before the first ${what} of another history: it is told once that the old one was lost`, async () => {
    await using old = await startStoppable();
    await using running = await startStoppable({ issuer: old.issuer });
    await storeMessages(running, "r", 5);
    await using proxy = FaultProxy.start(old.port);
    await using alice = await loseServer(proxy, old);
    const { epoch = "" } = alice.room.position ?? {};
    proxy.next({ cut: before("toClient", { type: what }) });
    proxy.serverPort = running.port;
    proxy.allow();
    await alice.untilLive(3);
    await alice.untilMessages(8);
    assertEquals(alice.offsets.slice(3), oneTo(5));
    assertEquals(alice.gaps, [{ from: 4, to: null, epoch }]);
  });

  Deno.test(`cut before the first ${what} of a history that is too short: its gap is told once`, async () => {
    await using running = await startStoppable({ env: { HISTORY_MESSAGES: "5" } });
    await using proxy = FaultProxy.start(running.port);
    await using alice = await loseServer(proxy, running);
    const { epoch = "" } = alice.room.position ?? {};
    await storeMessages(running, "r", 20);
    const away = alice.room.publish("chat", "away");
    proxy.next({ cut: before("toClient", { type: what }) });
    proxy.allow();
    assertEquals(await away, 24);
    await alice.untilMessages(9);
    assertEquals(alice.gaps, [{ from: 4, to: 18, epoch }]);
    assertEquals(alice.offsets, [1, 2, 3, 19, 20, 21, 22, 23, 24]);
    assertEquals(alice.data.slice(3), [16, 17, 18, 19, 20, "away"]);
  });
}
