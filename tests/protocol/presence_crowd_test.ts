/** docs/protocol.md, rule 7.10: presence of a room of many: what waits for company is told in few frames, and in its place. */
import { assert, assertEquals } from "@std/assert";
import type { RoomEvent } from "../../packages/server/src/backplane/contract.ts";
import { inOrder, PresenceView } from "../properties/presence_view.ts";
import { freshId, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

/** In smaller rooms nothing waits. */
const CROWD = 50;

/** Members of a room in which time stands still, so that after the first change all wait, and what brings it events. */
async function gather(running: RunningServer, count: number) {
  const stands = Date.now();
  const subscribers: ((event: RoomEvent) => void)[] = [];
  const backplane = backplaneOf(running);
  changeRoomServices(running, {
    now: () => stands,
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

Deno.test("7.10 a change at rest is told at once, and those that come soon after it are one frame, before the next message", async () => {
  await using running = await startServer();
  const { members, deliver } = await gather(running, CROWD);
  deliver(joined(0));
  for (const member of members) assertEquals((await member.next("presence")).members, []);
  for (const member of members) assertEquals((await member.next("presence")).joined?.length, 1);
  for (let number = 1; number <= 400; number++) deliver(joined(number));
  const message = { id: "m", event: "chat", data: "1", from: { user: "somebody" }, offset: 1, at: 1 };
  deliver({ type: "messages", messages: [message] });
  for (const member of members) {
    const told = await member.takeAll();
    assertEquals(
      told.map((frame) => frame.type === "presence" ? frame.joined?.length : frame.type),
      [400, "message"],
    );
  }
  await leaveAll(members);
});

Deno.test("7.10 in a small room what changes in one turn is one frame, and who enters and leaves in it is told to have done both", async () => {
  await using running = await startServer();
  const { members: [member], deliver } = await gather(running, 1);
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

Deno.test("7.10 what waits is told before long without anything that follows", async () => {
  await using running = await startServer();
  const { members, deliver } = await gather(running, CROWD);
  const [member] = members;
  assert(member);
  assertEquals((await member.next("presence")).members, []);
  deliver(joined(0));
  assertEquals((await member.next("presence")).joined?.length, 1);
  for (let number = 1; number <= 20; number++) deliver(joined(number));
  assertEquals((await member.next("presence")).joined?.length, 20);
  await leaveAll(members);
});

Deno.test("7.10 who joins while changes wait is told the list of before, and with all others what follows", async () => {
  await using running = await startServer();
  const { members, deliver } = await gather(running, CROWD);
  let count = 0;
  let isIn = false;
  const joining = RoomClient.join(running, "r", { user: "late" }).finally(() => isIn = true);
  // At every moment of the join something waits.
  while (!isIn) {
    deliver(joined(count++));
    deliver(joined(count++));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const late = await joining;
  const left = { user: "other-0", connection: "c-0", state: '{"number":0}' };
  deliver({ type: "presence", change: { type: "left", entry: left } });
  const everybody = [];
  for (const member of [...members, late]) {
    const view = new PresenceView();
    for (const frame of await member.takeAll()) if (frame.type === "presence") view.take(frame);
    assertEquals(view.present.length, count - 1);
    everybody.push(view.present);
  }
  await using fresh = await RoomClient.join(running, "r", { user: "fresh" });
  const { members: list = [] } = await fresh.next("presence");
  const now = inOrder(list.map((entry) => ({ ...entry, state: JSON.stringify(entry.state) })));
  for (const present of everybody) assertEquals(present, now);
  await leaveAll([...members, late]);
});

Deno.test("7.10 a frame of what waits stays of a handy size, however much there is", async () => {
  await using running = await startServer();
  const { members, deliver } = await gather(running, CROWD);
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

Deno.test("7.10 all of a crowd enter: each is told so before its ack, and sees all in the end, as who comes then does", async () => {
  await using running = await startServer();
  const members = await Promise.all(
    Array.from({ length: 80 }, (_, number) => RoomClient.join(running, "r", { user: `user-${number}` })),
  );
  const views = await Promise.all(members.map(async (member, number) => {
    const id = freshId();
    const view = new PresenceView();
    member.send({ type: "presence", id, state: { number } });
    for (;;) {
      const frame = await member.take();
      if (frame.type === "presence") view.take(frame);
      if (frame.type !== "ack") continue;
      assert(view.present.some(({ connection }) => connection === member.connection), "not seen yet");
      return { member, view };
    }
  }));
  await using fresh = await RoomClient.join(running, "r", { user: "fresh" });
  const list = new PresenceView();
  for (const { member, view } of [...views, { member: fresh, view: list }]) {
    for (const frame of await member.takeAll()) if (frame.type === "presence") view.take(frame);
    assertEquals(view.present.length, 80);
    assertEquals(view.present, views[0]?.view.present);
  }
  await leaveAll(members);
});
