/** docs/protocol.md, rules 7.1 to 7.5 and 7.9; 7.6 to 7.8 are in presence_lost_test.ts. */
import { assert, assertEquals } from "@std/assert";
import { type Authorize, EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";
import { takePresence } from "./member_frames.ts";

for (const { kind, plain } of KINDS) {
  Deno.test(`7.1 a state enters presence: joined for every member, and an ack: ${kind}`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    await using elsewhere = await RoomClient.join(running, "other", { user: "bob", plain });
    const ack = await alice.request({
      type: "presence",
      id: "p",
      state: { mood: "good", deep: [{ a: null }] },
    });
    assertEquals(ack, { type: "ack", id: "p" });
    const entry = {
      user: "alice",
      connection: alice.connection,
      state: { mood: "good", deep: [{ a: null }] },
    };
    for (const member of [alice, bob]) {
      assertEquals(await takePresence(member), [{ members: [] }, { joined: [entry] }]);
    }
    assertEquals(await takePresence(elsewhere), [{ members: [] }]);
  });

  Deno.test(`7.2 another state is broadcast as updated, never as left and joined: ${kind}`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await alice.present({ mood: "good" });
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    await takePresence(bob);
    await alice.present({ mood: "better" });
    await alice.present({});
    const { connection } = alice;
    assertEquals(await takePresence(bob), [
      { updated: [{ user: "alice", connection, state: { mood: "better" } }] },
      { updated: [{ user: "alice", connection, state: {} }] },
    ]);
  });

  Deno.test(`7.2 an equal state is acked and not broadcast: ${kind}`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await alice.present({ a: 1, b: [2] });
    await takePresence(alice);
    await alice.present({ a: 1, b: [2] });
    alice.sendRaw('{"type":"presence", "id":"again", "state": { "a": 1.0, "b": [ 2 ] } }');
    assertEquals(await alice.answer("again"), { type: "ack", id: "again" });
    assertEquals(await takePresence(alice), []);
  });

  Deno.test(`7.3 null leaves with left and an ack, and is acked without an entry too: ${kind}`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    assertEquals((await alice.present(null)).offset, undefined);
    assertEquals(await takePresence(bob), [{ members: [] }]);
    await alice.present({});
    await takePresence(bob);
    await alice.present(null);
    assertEquals(await takePresence(bob), [{ left: [{ user: "alice", connection: alice.connection }] }]);
    await alice.present(null);
    assertEquals(await takePresence(bob), []);
    await using carol = await RoomClient.join(running, "r", { user: "carol" });
    assertEquals(await takePresence(carol), [{ members: [] }]);
  });
}

const STATES: readonly (readonly [what: string, fill: (bytes: number) => string])[] = [
  ["ASCII", (bytes) => "a".repeat(bytes)],
  ["characters of two bytes", (bytes) => "ä".repeat(bytes >> 1) + "a".repeat(bytes & 1)],
  ["characters of four bytes", (bytes) => "😀".repeat(bytes >> 2) + "a".repeat(bytes & 3)],
];
for (const [what, fill] of STATES) {
  Deno.test(`7.4 a state of 4096 bytes of ${what} is accepted, and one byte more is an invalid_frame`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r");
    const frame = JSON.stringify({ text: "" }).length;
    await alice.present({ text: fill(4096 - frame) });
    await takePresence(alice);
    const answer = await alice.request({ type: "presence", id: "p", state: { text: fill(4097 - frame) } });
    assert(answer.type === "error");
    assertEquals([answer.code, answer.field], ["invalid_frame", "state"]);
    assertEquals(await takePresence(alice), []);
  });
}

Deno.test("7.5 entries are per connection: a user is present while one of them is", async () => {
  await using running = await startServer();
  await using phone = await RoomClient.join(running, "r");
  await using laptop = await RoomClient.join(running, "r");
  await phone.present({ on: "phone" });
  await laptop.present({ on: "laptop" });
  const entries = [
    { user: "alice", connection: phone.connection, state: { on: "phone" } },
    { user: "alice", connection: laptop.connection, state: { on: "laptop" } },
  ];
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  assertEquals(await takePresence(bob), [{ members: entries }]);
  await phone.present(null);
  assertEquals(await takePresence(bob), [{ left: [{ user: "alice", connection: phone.connection }] }]);
  await using carol = await RoomClient.join(running, "r", { user: "carol" });
  assertEquals(await takePresence(carol), [{ members: entries.slice(1) }]);
});

Deno.test("7.5 presence in one room is not presence in another", async () => {
  await using running = await startServer();
  await using here = await RoomClient.join(running, "here");
  await using there = await RoomClient.join(running, "there");
  await here.present({});
  await there.present({});
  await here.present(null);
  assertEquals((await takePresence(there)).length, 2);
  await using bob = await RoomClient.join(running, "there", { user: "bob" });
  const { members } = await bob.next("presence");
  assertEquals(members?.map(({ connection }) => connection), [there.connection]);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`7.9 without permission a member gets no presence frames and may not enter: ${kind}`, async () => {
    const authorize: Authorize = ({ id }) => ({ ...EVERYTHING, presence: id !== "bob" });
    await using running = await startServer({ deps: { authorize } });
    await using alice = await RoomClient.join(running, "r");
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    const answer = await bob.request({ type: "presence", id: "p", state: {} });
    assert(answer.type === "error");
    assertEquals([answer.code, answer.id], ["forbidden", "p"]);
    // In one tick with messages: the messages arrive, presence does not.
    alice.send([
      { type: "publish", id: "1", event: "chat", data: 1 },
      { type: "presence", id: "2", state: {} },
      { type: "publish", id: "3", event: "chat", data: 3 },
      { type: "presence", id: "4", state: null },
      { type: "publish", id: "5", event: "chat", data: 5 },
    ]);
    await alice.answer("5");
    const received = await bob.takeAll();
    assertEquals(received.map((frame) => frame.type === "message" ? frame.data : frame), [1, 3, 5]);
    assertEquals((await takePresence(alice)).length, 3);
  });
}
