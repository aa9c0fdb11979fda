/** docs/protocol.md, section 4; rule 4.6 is in permissions_test.ts. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Authorize, EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import {
  backplaneOf,
  changedBackplane,
  changeRoomServices,
  storeMessages,
} from "../support/room_services.ts";
import { ANY_RATE, publishFrame, RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";
import { range } from "./member_frames.ts";

for (const { kind, plain } of KINDS) {
  Deno.test(`4.1 welcome is the first frame and gives ${kind} its room, user and position`, async () => {
    await using running = await startServer({ env: { HEARTBEAT_MS: "12345" } });
    const exp = Math.floor(Date.now() / 1000) + 1234;
    await using alice = await RoomClient.join(running, "lobby", { plain, claims: { exp } });
    const { connection, epoch, limits: _, ...rest } = alice.welcome;
    assertEquals(rest, {
      type: "welcome",
      room: "lobby",
      user: "alice",
      offset: 0,
      recovered: false,
      expires_at: exp,
      heartbeat_ms: 12345,
    });
    await alice.publish(1);
    assertEquals((await alice.next("message")).from, { user: "alice", connection });
    await using bob = await RoomClient.join(running, "lobby", { plain, user: "bob" });
    assertEquals([bob.welcome.epoch, bob.welcome.offset], [epoch, 1]);
  });
}

Deno.test("4.1 every durable message after the offset of welcome arrives while others publish", async () => {
  await using running = await startServer({ env: ANY_RATE });
  await using alice = await RoomClient.join(running, "r");
  for (let round = 0; round < 10; round++) {
    alice.send(Array.from({ length: 50 }, () => publishFrame(round)));
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain: round % 2 === 0 });
    await alice.publish("the last of this round");
    const last = (round + 1) * 51;
    const { offset } = bob.welcome;
    assertEquals(await bob.offsets(last - offset), range(offset + 1, last));
  }
});

Deno.test("4.1 welcome is the first frame even if the room opens slowly", async () => {
  await using running = await startServer({ env: { HEARTBEAT_MS: "100" } });
  const backplane = backplaneOf(running);
  const gate = Promise.withResolvers<void>();
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async subscribe(room, deliver) {
        if (room.endsWith("/slow")) await gate.promise;
        return await backplane.subscribe(room, deliver);
      },
    }),
  });
  await using slow = await RoomClient.connect(running, "slow", { plain: true });
  await using quick = await RoomClient.join(running, "quick", { plain: true });
  // Heartbeats in the other room show that time has passed.
  for (let count = 0; count < 3; count++) await quick.next("pong");
  gate.resolve();
  assertEquals((await slow.take()).type, "welcome");
});

Deno.test("4.2 without a query no message up to the offset of welcome is sent", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  for (const data of [1, 2, 3]) await alice.publish(data);
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  assertEquals([bob.welcome.offset, bob.welcome.recovered], [3, false]);
  assertEquals((await bob.takeAll()).map(({ type }) => type), ["presence"]);
  await alice.publish(4);
  assertEquals(await bob.offsets(1), [4]);
});

for (const { kind, plain } of KINDS) {
  for (const [requested, first] of [[0, 11], [1, 10], [3, 8], [10, 1], [500, 1]] as const) {
    Deno.test(`4.3 history=${requested} replays ${11 - first} of ten messages right after welcome, to ${kind}`, async () => {
      await using running = await startServer();
      await storeMessages(running, "r", 10);
      await using bob = await RoomClient.join(running, "r", {
        user: "bob",
        plain,
        query: { history: requested },
      });
      assertEquals([bob.welcome.offset, bob.welcome.recovered], [10, false]);
      const frames = await bob.takeAll();
      assertEquals(frames.map((frame) => frame.type === "message" ? frame.offset : frame.type), [
        ...range(first, 10),
        "presence",
      ]);
    });
  }
}

Deno.test("4.3 history=n replays retained messages, and reports no gap for removed ones", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "4" } });
  await storeMessages(running, "r", 10);
  await using bob = await RoomClient.join(running, "r", { query: { history: 10 } });
  const frames = await bob.takeAll();
  assertEquals(frames.map((frame) => frame.type === "message" ? frame.offset : frame.type), [
    7,
    8,
    9,
    10,
    "presence",
  ]);
});

Deno.test("4.3 history=n continues with newer messages without a gap while others publish", async () => {
  await using running = await startServer({ env: ANY_RATE });
  await using alice = await RoomClient.join(running, "r");
  for (let round = 0; round < 10; round++) {
    for (let batch = 0; batch < 5; batch++) {
      alice.send(Array.from({ length: 100 }, () => publishFrame(batch)));
    }
    await using bob = await RoomClient.join(running, "r", {
      query: { history: 400 },
      plain: round % 2 === 0,
    });
    const marker = await alice.publish("the last of this round");
    const offsets: (number | undefined)[] = [];
    while (offsets.at(-1) !== marker.offset) offsets.push((await bob.next("message")).offset);
    const [first = 0] = offsets;
    assertEquals(offsets, range(first, (round + 1) * 501));
    assert(
      bob.welcome.offset - first >= Math.min(400, bob.welcome.offset) - 1,
      `${first} of ${bob.welcome.offset}`,
    );
  }
});

for (const { kind, plain } of KINDS) {
  Deno.test(`4.4 presence lists all members once after the replay, then changes, to ${kind}`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r");
    await alice.present({ mood: "good" });
    await alice.publish(1);
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain, query: { history: 5 } });
    const there = { user: "alice", connection: alice.connection, state: { mood: "good" } };
    const [message, presence, ...rest] = await bob.takeAll();
    assertEquals(message?.type, "message");
    assertEquals(presence, { type: "presence", members: [there] });
    assertEquals(rest, []);
    await alice.present({ mood: "better" });
    assertEquals(await bob.next("presence"), {
      type: "presence",
      updated: [{ ...there, state: { mood: "better" } }],
    });
  });
}

Deno.test("4.4 users without the permission get no presence", async () => {
  const authorize: Authorize = ({ id }) => ({ ...EVERYTHING, presence: id !== "bob" });
  await using running = await startServer({ deps: { authorize } });
  await using alice = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await alice.present({ mood: "good" });
  await alice.present(null);
  assertEquals(await bob.takeAll(), []);
});

Deno.test("4.5 every connection is its own member, with its own id", async () => {
  await using running = await startServer();
  await using phone = await RoomClient.join(running, "r");
  await using laptop = await RoomClient.join(running, "r", { plain: true });
  await using elsewhere = await RoomClient.join(running, "other");
  assertNotEquals(phone.connection, laptop.connection);
  assertNotEquals(phone.connection, elsewhere.connection);
  await phone.publish("from the phone");
  for (const member of [phone, laptop]) {
    assertEquals((await member.next("message")).from, { user: "alice", connection: phone.connection });
  }
  assertEquals((await elsewhere.takeAll()).map(({ type }) => type), ["presence"]);
});

Deno.test("4.7 welcome carries every limit of the deployment", async () => {
  await using running = await startServer({
    env: {
      MAX_FRAME_BYTES: "1001",
      FRAMES_PER_SECOND: "1002",
      FRAMES_BURST: "1003",
      USER_REQUESTS_PER_SECOND: "1011",
      JOINS_PER_SECOND: "1012",
      JOINS_BURST: "1013",
      MAX_MEMBERS_PER_ROOM: "1004",
      MAX_CONNECTIONS_PER_USER: "1005",
      MAX_CONNECTIONS: "1006",
      MAX_ROOMS_PER_SOCKET: "1014",
      HISTORY_MESSAGES: "1007",
      HISTORY_SECONDS: "1008",
      DEDUPE_SECONDS: "1009",
      PRESENCE_GRACE_MS: "1010",
      MAX_CALLS: "1014",
      HOOK_TIMEOUT_MS: "1015",
    },
  });
  await using alice = await RoomClient.join(running, "r");
  assertEquals(alice.welcome.limits, {
    max_frame_bytes: 1001,
    frames_per_second: 1002,
    frames_burst: 1003,
    user_requests_per_second: 1011,
    joins_per_second: 1012,
    joins_burst: 1013,
    max_members: 1004,
    max_connections_per_user: 1005,
    max_connections: 1006,
    max_rooms: 1014,
    history_messages: 1007,
    history_seconds: 1008,
    dedupe_seconds: 1009,
    presence_grace_ms: 1010,
    max_calls: 1014,
    hook_timeout_ms: 1015,
    max_state_bytes: 4096,
    max_page: 500,
  });
});
