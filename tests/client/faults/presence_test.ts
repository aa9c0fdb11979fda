import { assert, assertEquals } from "@std/assert";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { after, before, lostAck, within } from "../../support/fault_proxy/faults.ts";
import { RoomClient } from "../../support/room_client.ts";
import { FollowedRoom, quick } from "./followed_room.ts";
import { startStoppable } from "./stoppable_service.ts";

const PATH = "/realtime/rooms/r";

/** Returns the presence changes that a member received since joining, in words. */
async function seenBy(member: RoomClient): Promise<string[]> {
  const frames = (await member.takeAll()).filter((frame) => frame.type === "presence");
  return frames.slice(1).flatMap(({ joined = [], updated = [], left = [] }) => [
    ...joined.map(({ user, state }) => `${user} joined ${state["mood"]}`),
    ...updated.map(({ user, state, previous }) =>
      `${user} ${previous ? "went on" : "changed to"} ${state["mood"]}`
    ),
    ...left.map(({ user }) => `${user} left`),
  ]);
}

/** Waits until everything that a room has sent is done: its frames are handled in order. */
async function settled({ room }: FollowedRoom): Promise<void> {
  await room.publish("marker", null);
}

const ENTERING = [
  { where: "before it is sent on", cut: before("toServer", { type: "presence" }) },
  { where: "within it", cut: within("toServer", { type: "presence" }, 20) },
  { where: "when it has arrived", cut: after("toServer", { type: "presence" }) },
  { where: "before its ack comes", cut: lostAck() },
];

for (const { where, cut } of ENTERING) {
  Deno.test(`cut where presence is entered, ${where}: it is entered once`, async () => {
    await using running = await startStoppable();
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    await using proxy = FaultProxy.start(running.port);
    proxy.next({ cut });
    await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
    await alice.room.presence.enter({ mood: "fine" });
    await settled(alice);
    const seen = await seenBy(bob);
    assertEquals(seen[0], "alice joined fine");
    assert(seen.slice(1).every((what) => what === "alice went on fine"), seen.join(", "));
    assertEquals(alice.room.presence.members.map(({ user, state }) => [user, state]), [["alice", {
      mood: "fine",
    }]]);
  });
}

Deno.test("what is entered while away is seen when it is back, and nobody sees it leave", async () => {
  await using running = await startStoppable();
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using proxy = FaultProxy.start(running.port);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  await alice.room.presence.enter({ mood: "fine" });
  proxy.refuse();
  proxy.cutAll();
  const entered = alice.room.presence.enter({ mood: "better" });
  proxy.allow();
  await entered;
  assertEquals(await seenBy(bob), ["alice joined fine", "alice went on fine", "alice changed to better"]);
});

Deno.test("who leaves while away has left when it is back, and stays so over the next cut", async () => {
  await using running = await startStoppable();
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using proxy = FaultProxy.start(running.port);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  await alice.room.presence.enter({ mood: "fine" });
  proxy.next({ cut: lostAck() });
  proxy.cutAll();
  await alice.room.presence.leave();
  await settled(alice);
  assertEquals(await seenBy(bob), ["alice joined fine", "alice went on fine", "alice left"]);
  assertEquals(alice.room.presence.members, []);
});

Deno.test("away for longer than the grace: it has left, and is there again when it is back", async () => {
  await using running = await startStoppable({ env: { PRESENCE_GRACE_MS: "0" } });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using proxy = FaultProxy.start(running.port);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  await alice.room.presence.enter({ mood: "fine" });
  proxy.refuse();
  proxy.cutAll();
  assertEquals((await bob.next("presence")).members, []);
  assertEquals((await bob.next("presence")).joined?.length, 1);
  assertEquals((await bob.next("presence")).left?.length, 1);
  proxy.allow();
  assertEquals((await bob.next("presence")).joined?.map(({ state }) => state), [{ mood: "fine" }]);
});

Deno.test("what happened to others while away is told on coming back, as differences", async () => {
  await using running = await startStoppable();
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using carol = await RoomClient.join(running, "r", { user: "carol" });
  await using dave = await RoomClient.join(running, "r", { user: "dave" });
  await bob.present({ mood: "fine" });
  await carol.present({ mood: "fine" });
  await using proxy = FaultProxy.start(running.port);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  await alice.until(() => alice.presence.length === 1, "the list");
  proxy.refuse();
  proxy.cutAll();
  await bob.present({ mood: "better" });
  await carol.present(null);
  await dave.present({ mood: "new" });
  proxy.allow();
  await alice.until(() => alice.presence.length === 2, "the list once more");
  const [, change] = alice.presence;
  assertEquals(change?.joined.map(({ user, state }) => [user, state]), [["dave", { mood: "new" }]]);
  assertEquals(change?.updated.map(({ user, state }) => [user, state]), [["bob", { mood: "better" }]]);
  assertEquals(change?.left.map(({ user }) => user), ["carol"]);
  assertEquals(change?.members.map(({ user }) => user).sort(), ["bob", "dave"]);
});
