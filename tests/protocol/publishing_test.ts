/** docs/protocol.md, rules 5.1 to 5.6; 5.7 to 5.9 are in publishing_answers_test.ts. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { ANY_RATE, publishFrame, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";
import { takeMessageData } from "./member_frames.ts";

for (const { kind, plain } of KINDS) {
  Deno.test(`5.1 a durable publish of ${kind} is acked with its offset: 1, 2, 3 …`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    await using other = await RoomClient.join(running, "other");
    assertEquals(await alice.publish("x", { id: "a" }), { type: "ack", id: "a", offset: 1 });
    assertEquals(await bob.publish("x", { id: "b" }), { type: "ack", id: "b", offset: 2 });
    assertEquals(await alice.publish("x", { id: "c" }), { type: "ack", id: "c", offset: 3 });
    assertEquals((await other.publish("x")).offset, 1);
  });
}

Deno.test("5.1 an acked message is in the history, even after its sender has left", async () => {
  await using running = await startServer();
  const alice = await RoomClient.join(running, "r");
  await alice.publish({ stored: true });
  await alice[Symbol.asyncDispose]();
  await running.logged("socket.close");
  await using bob = await RoomClient.join(running, "r", { user: "bob", query: { history: 10 } });
  assertEquals(await takeMessageData(bob), [{ stored: true }]);
});

Deno.test("5.2 a message reaches every member and its sender exactly once, in the order of offsets", async () => {
  await using running = await startServer({ env: ANY_RATE });
  await using alice = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob", plain: true });
  await using carol = await RoomClient.join(running, "r", { user: "carol" });
  const members = [alice, bob, carol];
  for (let index = 0; index < 50; index++) {
    for (const member of members) member.send(publishFrame(index));
    alice.send([publishFrame(index), publishFrame(index)]);
  }
  const all = Array.from({ length: 250 }, (_, index) => index + 1);
  for (const member of members) assertEquals(await member.offsets(250), all);
  for (const member of members) assertEquals(await takeMessageData(member), []);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`5.3 a repeated id of ${kind} is acked with the first offset, and neither delivered nor stored again`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    await alice.publish("first", { id: "same" });
    await alice.publish("second");
    for (const data of ["first", "changed"]) {
      assertEquals(await alice.publish(data, { id: "same" }), { type: "ack", id: "same", offset: 1 });
    }
    assertEquals((await alice.publish("third")).offset, 3);
    for (const member of [alice, bob]) {
      assertEquals(await takeMessageData(member), ["first", "second", "third"]);
    }
    const page = await alice.request({ type: "history", id: "h", after: 0, limit: 10 });
    assert(page.type === "history");
    assertEquals(page.messages.map(({ data }) => data), ["first", "second", "third"]);
  });
}

Deno.test("5.3 a retry on another connection is recognized", async () => {
  await using running = await startServer();
  const phone = await RoomClient.join(running, "r");
  await phone.publish("x", { id: "same" });
  await phone[Symbol.asyncDispose]();
  await running.logged("socket.close");
  await using laptop = await RoomClient.join(running, "r");
  assertEquals((await laptop.publish("x", { id: "same" })).offset, 1);
  assertEquals(await takeMessageData(laptop), []);
});

Deno.test("5.3 a retry in the same array is recognized", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  alice.send([
    publishFrame("x", { id: "1" }),
    publishFrame("x", { id: "1" }),
    publishFrame("y", { id: "2" }),
  ]);
  const acks = [await alice.next("ack"), await alice.next("ack"), await alice.next("ack")];
  assertEquals(acks.map(({ id, offset }) => [id, offset]), [["1", 1], ["1", 1], ["2", 2]]);
  assertEquals(await takeMessageData(alice), ["x", "y"]);
});

Deno.test("5.3 the same id of another user, or in another room, is another message", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using elsewhere = await RoomClient.join(running, "other");
  await alice.publish("alice's", { id: "same" });
  assertEquals((await bob.publish("bob's", { id: "same" })).offset, 2);
  assertEquals((await elsewhere.publish("elsewhere", { id: "same" })).offset, 1);
  assertEquals(await takeMessageData(elsewhere), ["elsewhere"]);
  assertEquals(await takeMessageData(alice), ["alice's", "bob's"]);
});

Deno.test("5.3 after dedupe_seconds the id is a new message", async () => {
  await using running = await startServer({ env: { DEDUPE_SECONDS: "1" } });
  await using alice = await RoomClient.join(running, "r");
  const { at } = await alice.publish("x", { id: "same" }).then(() => alice.next("message"));
  await eventually(() => alice.publish("x", { id: "same" }), ({ offset }) => offset === 2);
  const repeated = await alice.next("message");
  assert(repeated.at - at >= 1000, `${repeated.at} is too soon after ${at}`);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`5.4 an ephemeral message has no offset, is not stored, and reaches ${kind}`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    const before = Date.now();
    assertEquals(await alice.publish({ x: 1 }, { id: "e", ephemeral: true }), { type: "ack", id: "e" });
    for (const member of [alice, bob]) {
      const { at, ...message } = await member.next("message");
      assertEquals(message, {
        type: "message",
        event: "chat",
        data: { x: 1 },
        from: { user: "alice", connection: alice.connection },
        id: "e",
      });
      assert(at >= before && at <= Date.now());
    }
    await using carol = await RoomClient.join(running, "r", { user: "carol", query: { history: 10 } });
    assertEquals([carol.welcome.offset, await takeMessageData(carol)], [0, []]);
    assertEquals((await alice.publish("durable")).offset, 1);
  });
}

Deno.test("5.4 durable and ephemeral messages of one sender arrive in the order of sending", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const sent = Array.from({ length: 60 }, (_, index) => index);
  alice.send(sent.map((index) => publishFrame(index, { ephemeral: index % 3 === 0 })));
  for (const index of sent) assertEquals((await bob.next("message")).data, index);
});

Deno.test("5.4 `ephemeral: false` is durable", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  assertEquals((await alice.publish("x", { ephemeral: false })).offset, 1);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`5.5 \`to\` a user reaches all their connections and no others: ${kind}`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await using phone = await RoomClient.join(running, "r", { user: "bob", plain });
    await using laptop = await RoomClient.join(running, "r", { user: "bob" });
    await using carol = await RoomClient.join(running, "r", { user: "carol", plain });
    await using elsewhere = await RoomClient.join(running, "other", { user: "bob" });
    await alice.publish("psst", { ephemeral: true, to: { user: "bob" } });
    for (const member of [phone, laptop]) assertEquals(await takeMessageData(member), ["psst"]);
    for (const member of [alice, carol, elsewhere]) assertEquals(await takeMessageData(member), []);
  });
}

Deno.test("5.5 `to` a connection reaches only that connection", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await using phone = await RoomClient.join(running, "r", { user: "bob" });
  await using laptop = await RoomClient.join(running, "r", { user: "bob" });
  await alice.publish("psst", { ephemeral: true, to: { connection: phone.connection } });
  assertEquals(await takeMessageData(phone), ["psst"]);
  for (const member of [alice, laptop]) assertEquals(await takeMessageData(member), []);
});

Deno.test("5.5 the sender gets the message if `to` names it", async () => {
  await using running = await startServer();
  await using phone = await RoomClient.join(running, "r");
  await using laptop = await RoomClient.join(running, "r");
  await phone.publish("to me", { ephemeral: true, to: { user: "alice" } });
  await phone.publish("to this one", { ephemeral: true, to: { connection: phone.connection } });
  assertEquals(await takeMessageData(phone), ["to me", "to this one"]);
  assertEquals(await takeMessageData(laptop), ["to me"]);
});

Deno.test("5.5 `to` an absent recipient is acked and reaches no member", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  for (const to of [{ user: "nobody" }, { connection: "none" }, { user: "__proto__" }]) {
    assertEquals((await alice.publish("x", { ephemeral: true, to })).offset, undefined);
  }
  assertEquals(await takeMessageData(alice), []);
});

Deno.test("5.5 `to` is invalid for durable messages", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const answer = await alice.request(publishFrame("x", { to: { user: "alice" } }));
  assert(answer.type === "error");
  assertEquals([answer.code, answer.field], ["invalid_frame", "to"]);
  assertEquals(await takeMessageData(alice), []);
});

for (const isStored of [false, true]) {
  const what = isStored ? "stored, but its answer lost" : "not stored";
  Deno.test(`5.6 a publish that was ${what} is answered with unavailable, and a retry is safe`, async () => {
    await using running = await startServer();
    const backplane = backplaneOf(running);
    let isAway = true;
    changeRoomServices(running, {
      backplane: changedBackplane(backplane, {
        async publish(room, drafts) {
          if (isAway && !isStored) throw new BackplaneUnavailable("away");
          const stored = await backplane.publish(room, drafts);
          if (isAway) throw new BackplaneUnavailable("away");
          return stored;
        },
        emit: () => Promise.reject(new BackplaneUnavailable("away")),
      }),
    });
    await using alice = await RoomClient.join(running, "r");
    const frame = publishFrame("x");
    const answer = await alice.request(frame);
    assert(answer.type === "error");
    const { code, retry_after_ms } = answer;
    assertEquals(code, "unavailable");
    assert(retry_after_ms !== undefined && retry_after_ms > 0);
    const ephemeral = await alice.request(publishFrame("y", { ephemeral: true }));
    assert(ephemeral.type === "error");
    assertEquals(ephemeral.code, "unavailable");
    isAway = false;
    assertEquals(await alice.request(frame), { type: "ack", id: frame.id, offset: 1 });
    assertEquals(await takeMessageData(alice), ["x"]);
    assertNotEquals((await alice.publish("next")).offset, 1);
  });
}
