/** docs/protocol.md, rule 5.11: a publish that excludes its sender. */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { type Backplane, BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { SharedClient } from "../support/shared_client.ts";
import { KINDS } from "./kinds.ts";
import { takeMessageData } from "./member_frames.ts";

const SELF = { exclude: "self" } as const;

/** Offsets of messages and of excluded acks, in the order of arrival. */
async function takeOffsets(member: RoomClient): Promise<unknown[]> {
  return (await member.takeAll()).flatMap((frame): unknown[] => {
    if (frame.type === "message") return [frame.offset];
    return frame.type === "ack" && frame.excluded ? [`ack ${frame.offset}`] : [];
  });
}

/** Members that join from now on get no event before `release`. */
function holdDeliveries(running: RunningServer): { release(): void } {
  const backplane = backplaneOf(running);
  const held: (() => void)[] = [];
  let isHeld = true;
  const subscribe: Backplane["subscribe"] = (room, deliver) =>
    backplane.subscribe(room, (event) => isHeld ? void held.push(() => deliver(event)) : deliver(event));
  changeRoomServices(running, { backplane: changedBackplane(backplane, { subscribe }) });
  return {
    release() {
      isHeld = false;
      for (const deliver of held) deliver();
    },
  };
}

for (const { kind, plain } of KINDS) {
  Deno.test(`5.11 the message does not come to ${kind} that sent it, which gets the ack alone`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await using tab = await RoomClient.join(running, "r", { plain });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    assertEquals(await alice.publish("mine", { id: "a", ...SELF }), {
      type: "ack",
      id: "a",
      offset: 1,
      excluded: true,
    });
    await bob.publish("bob's", { id: "a" });
    await alice.publish("for all");
    assertEquals(await takeMessageData(alice), ["bob's", "for all"]);
    for (const other of [tab, bob]) {
      assertEquals(await takeMessageData(other), ["mine", "bob's", "for all"]);
    }
  });

  Deno.test(`5.11 an ephemeral message does not come to ${kind} that sent it`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await using tab = await RoomClient.join(running, "r", { plain });
    const options = { ephemeral: true, ...SELF };
    assertEquals(await alice.publish("all", { id: "e", ...options }), { type: "ack", id: "e" });
    await alice.publish("user", { ...options, to: { user: "alice" } });
    await alice.publish("connection", { ...options, to: { connection: alice.connection } });
    await alice.publish("seen", { ephemeral: true });
    assertEquals(await takeMessageData(alice), ["seen"]);
    assertEquals(await takeMessageData(tab), ["all", "user", "seen"]);
  });
}

Deno.test("5.11 the ack takes the message's place among those of others", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  for (const member of [alice, bob, alice, alice, bob]) await member.publish("x", SELF);
  assertEquals(await takeOffsets(alice), [2, 5]);
  assertEquals(await takeOffsets(bob), [1, 3, 4]);
  alice.send([publishFrame("x"), publishFrame("y", SELF), publishFrame("z")]);
  await bob.offsets(3);
  assertEquals(await takeOffsets(alice), [6, "ack 7", 8]);
});

Deno.test("5.11 an ack that is earlier than the messages before it comes once", async () => {
  await using running = await startServer();
  const deliveries = holdDeliveries(running);
  await using alice = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await bob.publish("before");
  assertEquals((await alice.publish("mine", SELF)).offset, 2);
  await bob.publish("after");
  deliveries.release();
  assertEquals(await takeOffsets(alice), [1, 3]);
});

Deno.test("5.11 a message that is delivered although its publish failed is acked in its place", async () => {
  await using running = await startServer();
  const backplane = backplaneOf(running);
  let failures = 1;
  const publish: Backplane["publish"] = async (room, drafts) => {
    const stored = await backplane.publish(room, drafts);
    if (failures-- > 0) throw new BackplaneUnavailable("The answer was lost.");
    return stored;
  };
  changeRoomServices(running, { backplane: changedBackplane(backplane, { publish }) });
  await using alice = await RoomClient.join(running, "r");
  const ack = { type: "ack", id: "a", offset: 1, excluded: true } as const;
  assertEquals(await alice.request(publishFrame("mine", { id: "a", ...SELF })), ack);
  assertEquals((await alice.publish("next")).offset, 2);
  assertEquals(await takeMessageData(alice), ["next"]);
  assertEquals(await alice.request(publishFrame("mine", { id: "a", ...SELF })), ack);
});

Deno.test("5.11 a retry of a message that was stored before excludes nothing later", async () => {
  await using running = await startServer({ env: { DEDUPE_SECONDS: "1" } });
  await using alice = await RoomClient.join(running, "r");
  const { at } = await alice.publish(1, { id: "same" }).then(() => alice.next("message"));
  assertEquals((await alice.publish(1, { id: "same", ...SELF })).offset, 1);
  await eventually(() => alice.publish(2, { id: "same" }), ({ offset }) => offset === 2);
  const second = await alice.next("message");
  assertEquals([second.offset, second.data], [2, 2]);
  assert(second.at > at);
});

Deno.test("5.11 a resume reports no gap, and may replay the own message", async () => {
  await using running = await startServer();
  const alice = await RoomClient.join(running, "r");
  await alice.publish("mine", SELF);
  await alice.publish("next");
  const all = alice.resumption(0);
  const rest = alice.resumption(1);
  await alice[Symbol.asyncDispose]();
  for (
    const [query, data] of [[rest, ["next"]], [all, ["mine", "next"]]] satisfies [typeof all, string[]][]
  ) {
    await using again = await RoomClient.join(running, "r", { query });
    assertEquals(again.welcome.recovered, true);
    assertEquals(await takeMessageData(again), data);
  }
});

Deno.test("5.11 another value than self is a wrong field", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  alice.sendJson({ ...publishFrame(1, { id: "a" }), exclude: "bob" });
  const answer = await alice.answer("a");
  assert(answer.type === "error");
  assertEquals([answer.code, answer.field], ["invalid_frame", "exclude"]);
});

Deno.test("5.11 on a socket for many rooms it concerns the membership that sent the message", async () => {
  await using running = await startServer();
  await using alice = await SharedClient.connect(running);
  await alice.join("a");
  await alice.join("b");
  await using bob = await RoomClient.join(running, "a", { user: "bob" });
  const frame = { ...publishFrame("mine", { id: "m", ...SELF }), room: "a" };
  alice.send(frame);
  const ack = await alice.next("ack");
  assertEquals(ack, { type: "ack", id: "m", offset: 1, excluded: true, room: "rooms/a" });
  alice.send({ ...publishFrame("seen", { id: "s" }), room: "b" });
  await bob.publish("bob's");
  const received = [await alice.next("message"), await alice.next("message")];
  assertEquals(received.map(({ data }) => data).sort(), ["bob's", "seen"]);
  assertEquals(await takeMessageData(bob), ["mine", "bob's"]);
});
