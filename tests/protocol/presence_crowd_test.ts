/**
 * docs/protocol.md, rule 7.10: in a large room presence changes are throttled, batched and in
 * order.
 */
import { assert, assertEquals } from "@std/assert";
import type { RoomEvent } from "../../packages/server/src/backplane/contract.ts";
import { PresenceReplica, sortEntries } from "../properties/presence_replica.ts";
import { freshId, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

/** Members from which on changes are throttled. */
const CROWD = 50;

/** Joins members to a room whose clock stands still: every change after the first is throttled. */
async function joinMembers(running: RunningServer, count: number) {
  const startedAt = Date.now();
  const subscribers: ((event: RoomEvent) => void)[] = [];
  const backplane = backplaneOf(running);
  changeRoomServices(running, {
    now: () => startedAt,
    backplane: changedBackplane(backplane, {
      subscribe: (room, deliver) => {
        subscribers.push(deliver);
        return backplane.subscribe(room, deliver);
      },
    }),
  });
  const members = await Promise.all(
    Array.from({ length: count }, (_, number) => RoomClient.join(running, "r", { user: `user-${number}` })),
  );
  const [deliver] = subscribers;
  assert(deliver && subscribers.length === 1);
  return { members, deliver };
}

function joined(number: number): RoomEvent {
  const entry = { user: `other-${number}`, connection: `c-${number}`, state: `{"number":${number}}` };
  return { type: "presence", change: { type: "joined", entry } };
}

async function leaveAll(members: readonly RoomClient[]): Promise<void> {
  for (const member of members) await member[Symbol.asyncDispose]();
}

Deno.test("7.10 the first change is broadcast at once, and the following ones as one frame before the next message", async () => {
  await using running = await startServer();
  const { members, deliver } = await joinMembers(running, CROWD);
  deliver(joined(0));
  for (const member of members) assertEquals((await member.next("presence")).members, []);
  for (const member of members) assertEquals((await member.next("presence")).joined?.length, 1);
  for (let number = 1; number <= 400; number++) deliver(joined(number));
  const message = { id: "m", event: "chat", data: "1", from: { user: "somebody" }, offset: 1, at: 1 };
  deliver({ type: "messages", messages: [message] });
  for (const member of members) {
    const received = await member.takeAll();
    assertEquals(
      received.map((frame) => frame.type === "presence" ? frame.joined?.length : frame.type),
      [400, "message"],
    );
  }
  await leaveAll(members);
});

Deno.test("7.10 in a small room the changes of one tick are batched, and a member that enters and leaves in it is reported as both", async () => {
  await using running = await startServer();
  const { members: [member], deliver } = await joinMembers(running, 1);
  assert(member);
  for (let number = 0; number < 3; number++) deliver(joined(number));
  deliver({
    type: "presence",
    change: { type: "left", entry: { user: "other-1", connection: "c-1", state: "" } },
  });
  const [, first, second, ...others] = await member.takeAll();
  assert(first?.type === "presence" && second?.type === "presence");
  assertEquals(first.joined?.map(({ connection }) => connection), ["c-0", "c-1", "c-2"]);
  assertEquals(second, { type: "presence", left: [{ user: "other-1", connection: "c-1" }] });
  assertEquals(others, []);
  await leaveAll([member]);
});

Deno.test("7.10 throttled changes are broadcast soon, without a further event", async () => {
  await using running = await startServer();
  const { members, deliver } = await joinMembers(running, CROWD);
  const [member] = members;
  assert(member);
  assertEquals((await member.next("presence")).members, []);
  deliver(joined(0));
  assertEquals((await member.next("presence")).joined?.length, 1);
  for (let number = 1; number <= 20; number++) deliver(joined(number));
  assertEquals((await member.next("presence")).joined?.length, 20);
  await leaveAll(members);
});

Deno.test("7.10 a member that joins while changes are pending gets the list without them, and then the changes like all others", async () => {
  await using running = await startServer();
  const { members, deliver } = await joinMembers(running, CROWD);
  let count = 0;
  let hasJoined = false;
  const joining = RoomClient.join(running, "r", { user: "late" }).finally(() => hasJoined = true);
  // Changes are pending during the whole join.
  while (!hasJoined) {
    deliver(joined(count++));
    deliver(joined(count++));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const late = await joining;
  const left = { user: "other-0", connection: "c-0", state: '{"number":0}' };
  deliver({ type: "presence", change: { type: "left", entry: left } });
  const everybody = [];
  for (const member of [...members, late]) {
    const view = new PresenceReplica();
    for (const frame of await member.takeAll()) if (frame.type === "presence") view.apply(frame);
    assertEquals(view.present.length, count - 1);
    everybody.push(view.present);
  }
  await using fresh = await RoomClient.join(running, "r", { user: "fresh" });
  const { members: list = [] } = await fresh.next("presence");
  const now = sortEntries(list.map((entry) => ({ ...entry, state: JSON.stringify(entry.state) })));
  for (const present of everybody) assertEquals(present, now);
  await leaveAll([...members, late]);
});

Deno.test("7.10 the size of a frame of pending changes is limited", async () => {
  await using running = await startServer();
  const { members, deliver } = await joinMembers(running, CROWD);
  const state = JSON.stringify({ text: "x".repeat(4_000) });
  for (let number = 0; number < 100; number++) {
    const entry = { user: `other-${number}`, connection: `c-${number}`, state };
    deliver({ type: "presence", change: { type: "joined", entry } });
  }
  const [member] = members;
  assert(member);
  const sizes = (await member.takeAll()).map((frame) => JSON.stringify(frame).length);
  assert(Math.max(...sizes) < 80_000 && sizes.length < 20, sizes.join());
  await leaveAll(members);
});

Deno.test("7.10 when many members enter, each sees itself before its ack, and finally sees all, as a new member does", async () => {
  await using running = await startServer();
  const members = await Promise.all(
    Array.from({ length: 80 }, (_, number) => RoomClient.join(running, "r", { user: `user-${number}` })),
  );
  const views = await Promise.all(members.map(async (member, number) => {
    const id = freshId();
    const view = new PresenceReplica();
    member.send({ type: "presence", id, state: { number } });
    for (;;) {
      const frame = await member.take();
      if (frame.type === "presence") view.apply(frame);
      if (frame.type !== "ack") continue;
      assert(
        view.present.some(({ connection }) => connection === member.connection),
        "the ack came before the own entry",
      );
      return { member, view };
    }
  }));
  await using fresh = await RoomClient.join(running, "r", { user: "fresh" });
  const list = new PresenceReplica();
  for (const { member, view } of [...views, { member: fresh, view: list }]) {
    for (const frame of await member.takeAll()) if (frame.type === "presence") view.apply(frame);
    assertEquals(view.present.length, 80);
    assertEquals(view.present, views[0]?.view.present);
  }
  await leaveAll(members);
});
