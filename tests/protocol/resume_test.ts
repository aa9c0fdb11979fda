/** docs/protocol.md, rules 6.1 to 6.5, 6.9 and 6.10: resume. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Authorize, EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import type { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { connect } from "../support/handshake.ts";
import { assertProblem } from "../support/problem.ts";
import { ANY_RATE, RoomClient } from "../support/room_client.ts";
import { storeMessages } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

/** Takes the frames after `welcome`, messages as their offsets. */
async function takeFrames(member: RoomClient): Promise<unknown[]> {
  const frames: ServerFrame[] = await member.takeAll();
  return frames.map((frame) => frame.type === "message" ? frame.offset : frame);
}

const EMPTY_PRESENCE = { type: "presence", members: [] };

Deno.test("6.10 an empty epoch is the start of the history, whatever its epoch is", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "5" } });
  const query = { after: 0, epoch: "" };
  await using first = await RoomClient.join(running, "r", { query });
  assertEquals([first.welcome.offset, first.welcome.recovered], [0, true]);
  assertEquals(await takeFrames(first), [EMPTY_PRESENCE]);
  const epoch = await storeMessages(running, "r", 3);
  await using second = await RoomClient.join(running, "r", { query });
  assertEquals([second.welcome.epoch, second.welcome.recovered], [epoch, true]);
  assertEquals(await takeFrames(second), [1, 2, 3, EMPTY_PRESENCE]);
  await storeMessages(running, "s", 7);
  await using late = await RoomClient.join(running, "s", { query });
  assertEquals(late.welcome.recovered, false);
  assertEquals(await takeFrames(late), [
    { type: "gap", from: 1, to: 2, epoch: late.welcome.epoch },
    ...[3, 4, 5, 6, 7],
    EMPTY_PRESENCE,
  ]);
});

for (const { kind, plain } of KINDS) {
  for (const isLive of [false, true]) {
    const room = isLive ? "a room with members" : "a room without members";
    Deno.test(`6.1 missed messages follow welcome in order: ${kind}, ${room}`, async () => {
      await using running = await startServer({ env: ANY_RATE });
      await using stay = await RoomClient.join(running, isLive ? "r" : "other", { user: "bob" });
      const epoch = await storeMessages(running, "r", 20);
      await using alice = await RoomClient.join(running, "r", { plain, query: { after: 17, epoch } });
      assertEquals([alice.welcome.offset, alice.welcome.recovered, alice.welcome.epoch], [20, true, epoch]);
      assertEquals(await takeFrames(alice), [18, 19, 20, EMPTY_PRESENCE]);
      if (!isLive) return;
      await stay.publish("newer");
      assertEquals(await takeFrames(alice), [21]);
    });
  }

  Deno.test(`6.1 ${kind} that has missed nothing is recovered and gets no message again`, async () => {
    await using running = await startServer();
    const epoch = await storeMessages(running, "r", 3);
    await using alice = await RoomClient.join(running, "r", { plain, query: { after: 3, epoch } });
    assertEquals(alice.welcome.recovered, true);
    assertEquals(await takeFrames(alice), [EMPTY_PRESENCE]);
  });

  Deno.test(`6.1 ${kind} gets a thousand missed messages`, async () => {
    await using running = await startServer({ env: ANY_RATE });
    const epoch = await storeMessages(running, "r", 1000);
    await using alice = await RoomClient.join(running, "r", { plain, query: { after: 0, epoch } });
    assertEquals(alice.welcome.recovered, true);
    assertEquals(await takeFrames(alice), [
      ...Array.from({ length: 1000 }, (_, index) => index + 1),
      EMPTY_PRESENCE,
    ]);
  });

  Deno.test(`6.2 a gap after welcome reports removed messages, and the rest follows: ${kind}`, async () => {
    await using running = await startServer({ env: { HISTORY_MESSAGES: "5" } });
    const epoch = await storeMessages(running, "r", 20);
    await using alice = await RoomClient.join(running, "r", { plain, query: { after: 3, epoch } });
    assertEquals([alice.welcome.offset, alice.welcome.recovered], [20, false]);
    assertEquals(await takeFrames(alice), [
      { type: "gap", from: 4, to: 15, epoch },
      16,
      17,
      18,
      19,
      20,
      EMPTY_PRESENCE,
    ]);
  });

  Deno.test(`6.3 another epoch is an open gap, and all retained messages follow: ${kind}`, async () => {
    await using running = await startServer();
    const epoch = await storeMessages(running, "r", 3);
    await using alice = await RoomClient.join(running, "r", { plain, query: { after: 7, epoch: "lost" } });
    assertEquals([alice.welcome.epoch, alice.welcome.offset, alice.welcome.recovered], [epoch, 3, false]);
    assertNotEquals(epoch, "lost");
    assertEquals(await takeFrames(alice), [
      { type: "gap", from: 8, to: null, epoch: "lost" },
      1,
      2,
      3,
      EMPTY_PRESENCE,
    ]);
  });

  Deno.test(`6.4 an offset beyond the head is a gap of the messages that the client claims: ${kind}`, async () => {
    await using running = await startServer();
    const epoch = await storeMessages(running, "r", 3);
    await using alice = await RoomClient.join(running, "r", { plain, query: { after: 5, epoch } });
    assertEquals([alice.welcome.offset, alice.welcome.recovered], [3, false]);
    assertEquals(await takeFrames(alice), [{ type: "gap", from: 4, to: 5, epoch }, EMPTY_PRESENCE]);
    await alice.publish("four");
    assertEquals(await alice.offsets(1), [4]);
  });
}

Deno.test("6.2 the first retained message is the boundary", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "5" } });
  const epoch = await storeMessages(running, "r", 20);
  for (const [after, recovered, first] of [[14, false, 16], [15, true, 16], [16, true, 17]] as const) {
    await using alice = await RoomClient.join(running, "r", { query: { after, epoch } });
    assertEquals(alice.welcome.recovered, recovered);
    if (!recovered) assertEquals(await alice.take(), { type: "gap", from: 15, to: 15, epoch });
    const message = await alice.take();
    assert(message.type === "message");
    assertEquals(message.offset, first);
    const closed = running.logs.filter(({ event }) => event === "socket.close").length;
    await alice[Symbol.asyncDispose]();
    await running.logged("socket.close", closed + 1);
  }
});

Deno.test("6.2 a room without retention reports a gap of all missed messages", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "0" } });
  const epoch = await storeMessages(running, "r", 4);
  await using alice = await RoomClient.join(running, "r", { query: { after: 1, epoch } });
  assertEquals([alice.welcome.offset, alice.welcome.recovered], [4, false]);
  assertEquals(await takeFrames(alice), [{ type: "gap", from: 2, to: 4, epoch }, EMPTY_PRESENCE]);
  await using bob = await RoomClient.join(running, "r", { query: { after: 4, epoch } });
  assertEquals(bob.welcome.recovered, true);
});

Deno.test("6.3 removed messages of the current history are reported too", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "2" } });
  const epoch = await storeMessages(running, "r", 6);
  await using alice = await RoomClient.join(running, "r", { query: { after: 0, epoch: "lost" } });
  assertEquals(alice.welcome.recovered, false);
  assertEquals(await takeFrames(alice), [
    { type: "gap", from: 1, to: null, epoch: "lost" },
    { type: "gap", from: 1, to: 4, epoch },
    5,
    6,
    EMPTY_PRESENCE,
  ]);
});

Deno.test("6.3 a lost history of a room without messages is a gap too", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r", { query: { after: 3, epoch: "lost" } });
  assertEquals([alice.welcome.offset, alice.welcome.recovered], [0, false]);
  assertEquals(await takeFrames(alice), [{ type: "gap", from: 4, to: null, epoch: "lost" }, EMPTY_PRESENCE]);
});

for (
  const query of ["epoch=e", "after=1", "history=5&after=1&epoch=e", "history=5&after=1", "history=5&epoch=e"]
) {
  Deno.test(`6.5 ?${query} is 400 invalid_request`, async () => {
    await using running = await startServer();
    const response = await connect(running, `/rooms/r?${query}`);
    const { field } = JSON.parse(response.body);
    assert(["query.epoch", "query.after", "query.history"].includes(field), field);
    assertProblem(response, { status: 400, code: "invalid_request", title: "Invalid request", field });
  });
}

Deno.test("6.9 a member without history permission gets a gap for missed messages, and newer messages", async () => {
  const authorize: Authorize = ({ id }) => ({ ...EVERYTHING, history: id !== "bob" });
  await using running = await startServer({ deps: { authorize } });
  const epoch = await storeMessages(running, "r", 5);
  await using bob = await RoomClient.join(running, "r", { user: "bob", query: { after: 2, epoch } });
  assertEquals([bob.welcome.offset, bob.welcome.recovered], [5, false]);
  assertEquals(await takeFrames(bob), [{ type: "gap", from: 3, to: 5, epoch }, EMPTY_PRESENCE]);
  await bob.publish("newer");
  assertEquals(await bob.offsets(1), [6]);
});

Deno.test("6.9 a member without history permission that missed nothing is recovered", async () => {
  const authorize: Authorize = () => ({ ...EVERYTHING, history: false });
  await using running = await startServer({ deps: { authorize } });
  const epoch = await storeMessages(running, "r", 5);
  await using bob = await RoomClient.join(running, "r", { user: "bob", query: { after: 5, epoch } });
  assertEquals(bob.welcome.recovered, true);
  assertEquals(await takeFrames(bob), [EMPTY_PRESENCE]);
});

Deno.test("6.9 a member without history permission gets a gap for the lost history and one for the current", async () => {
  const authorize: Authorize = ({ id }) => ({ ...EVERYTHING, history: id !== "bob" });
  await using running = await startServer({ deps: { authorize } });
  const epoch = await storeMessages(running, "r", 5);
  await using bob = await RoomClient.join(running, "r", { user: "bob", query: { after: 2, epoch: "lost" } });
  assertEquals(bob.welcome.recovered, false);
  assertEquals(await takeFrames(bob), [
    { type: "gap", from: 3, to: null, epoch: "lost" },
    { type: "gap", from: 1, to: 5, epoch },
    EMPTY_PRESENCE,
  ]);
});
