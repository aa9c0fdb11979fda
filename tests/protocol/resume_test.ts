/** docs/protocol.md, rules 6.1 to 6.5 and 6.9: what a client gets that resumes. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Authorize, EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import type { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { connect } from "../support/handshake.ts";
import { assertProblem } from "../support/problem.ts";
import { ANY_RATE, RoomClient } from "../support/room_client.ts";
import { storeMessages } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

/** What came after `welcome`, messages by their offsets. */
async function followers(member: RoomClient): Promise<unknown[]> {
  const frames: ServerFrame[] = await member.takeAll();
  return frames.map((frame) => frame.type === "message" ? frame.offset : frame);
}

const EMPTY_PRESENCE = { type: "presence", members: [] };

for (const { kind, plain } of KINDS) {
  for (const isLive of [false, true]) {
    const room = isLive ? "a room with members" : "a room without members";
    Deno.test(`6.1 the missed messages come right after welcome, in order: ${kind}, ${room}`, async () => {
      await using running = await startServer({ env: ANY_RATE });
      await using stay = await RoomClient.join(running, isLive ? "r" : "other", { user: "bob" });
      const epoch = await storeMessages(running, "r", 20);
      await using alice = await RoomClient.join(running, "r", { plain, query: { after: 17, epoch } });
      assertEquals([alice.welcome.offset, alice.welcome.recovered, alice.welcome.epoch], [20, true, epoch]);
      assertEquals(await followers(alice), [18, 19, 20, EMPTY_PRESENCE]);
      if (!isLive) return;
      await stay.publish("newer");
      assertEquals(await followers(alice), [21]);
    });
  }

  Deno.test(`6.1 ${kind} that has missed nothing is recovered, and nothing is sent again`, async () => {
    await using running = await startServer();
    const epoch = await storeMessages(running, "r", 3);
    await using alice = await RoomClient.join(running, "r", { plain, query: { after: 3, epoch } });
    assertEquals(alice.welcome.recovered, true);
    assertEquals(await followers(alice), [EMPTY_PRESENCE]);
  });

  Deno.test(`6.1 ${kind} gets a thousand missed messages`, async () => {
    await using running = await startServer({ env: ANY_RATE });
    const epoch = await storeMessages(running, "r", 1000);
    await using alice = await RoomClient.join(running, "r", { plain, query: { after: 0, epoch } });
    assertEquals(alice.welcome.recovered, true);
    assertEquals(await followers(alice), [
      ...Array.from({ length: 1000 }, (_, index) => index + 1),
      EMPTY_PRESENCE,
    ]);
  });

  Deno.test(`6.2 if some are no longer kept, a gap right after welcome says which, and the rest follows: ${kind}`, async () => {
    await using running = await startServer({ env: { HISTORY_MESSAGES: "5" } });
    const epoch = await storeMessages(running, "r", 20);
    await using alice = await RoomClient.join(running, "r", { plain, query: { after: 3, epoch } });
    assertEquals([alice.welcome.offset, alice.welcome.recovered], [20, false]);
    assertEquals(await followers(alice), [
      { type: "gap", from: 4, to: 15, epoch },
      16,
      17,
      18,
      19,
      20,
      EMPTY_PRESENCE,
    ]);
  });

  Deno.test(`6.3 another epoch is a gap without an end, and all that is kept follows: ${kind}`, async () => {
    await using running = await startServer();
    const epoch = await storeMessages(running, "r", 3);
    await using alice = await RoomClient.join(running, "r", { plain, query: { after: 7, epoch: "lost" } });
    assertEquals([alice.welcome.epoch, alice.welcome.offset, alice.welcome.recovered], [epoch, 3, false]);
    assertNotEquals(epoch, "lost");
    assertEquals(await followers(alice), [
      { type: "gap", from: 8, to: null, epoch: "lost" },
      1,
      2,
      3,
      EMPTY_PRESENCE,
    ]);
  });

  Deno.test(`6.4 an offset beyond the head is a gap of what the client seems to have had: ${kind}`, async () => {
    await using running = await startServer();
    const epoch = await storeMessages(running, "r", 3);
    await using alice = await RoomClient.join(running, "r", { plain, query: { after: 5, epoch } });
    assertEquals([alice.welcome.offset, alice.welcome.recovered], [3, false]);
    assertEquals(await followers(alice), [{ type: "gap", from: 4, to: 5, epoch }, EMPTY_PRESENCE]);
    await alice.publish("four");
    assertEquals(await alice.offsets(1), [4]);
  });
}

Deno.test("6.2 the first message that is kept is the boundary", async () => {
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

Deno.test("6.2 a room that keeps nothing tells a gap of all that was missed", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "0" } });
  const epoch = await storeMessages(running, "r", 4);
  await using alice = await RoomClient.join(running, "r", { query: { after: 1, epoch } });
  assertEquals([alice.welcome.offset, alice.welcome.recovered], [4, false]);
  assertEquals(await followers(alice), [{ type: "gap", from: 2, to: 4, epoch }, EMPTY_PRESENCE]);
  await using bob = await RoomClient.join(running, "r", { query: { after: 4, epoch } });
  assertEquals(bob.welcome.recovered, true);
});

Deno.test("6.3 what is not kept of the present history is told too", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "2" } });
  const epoch = await storeMessages(running, "r", 6);
  await using alice = await RoomClient.join(running, "r", { query: { after: 0, epoch: "lost" } });
  assertEquals(alice.welcome.recovered, false);
  assertEquals(await followers(alice), [
    { type: "gap", from: 1, to: null, epoch: "lost" },
    { type: "gap", from: 1, to: 4, epoch },
    5,
    6,
    EMPTY_PRESENCE,
  ]);
});

Deno.test("6.3 a room that nobody has published to since is a gap too", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r", { query: { after: 3, epoch: "lost" } });
  assertEquals([alice.welcome.offset, alice.welcome.recovered], [0, false]);
  assertEquals(await followers(alice), [{ type: "gap", from: 4, to: null, epoch: "lost" }, EMPTY_PRESENCE]);
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

Deno.test("6.9 who may not read history and missed something is told a gap, and gets what is newer", async () => {
  const authorize: Authorize = ({ id }) => ({ ...EVERYTHING, history: id !== "bob" });
  await using running = await startServer({ deps: { authorize } });
  const epoch = await storeMessages(running, "r", 5);
  await using bob = await RoomClient.join(running, "r", { user: "bob", query: { after: 2, epoch } });
  assertEquals([bob.welcome.offset, bob.welcome.recovered], [5, false]);
  assertEquals(await followers(bob), [{ type: "gap", from: 3, to: 5, epoch }, EMPTY_PRESENCE]);
  await bob.publish("newer");
  assertEquals(await bob.offsets(1), [6]);
});

Deno.test("6.9 who may not read history and missed nothing is recovered", async () => {
  const authorize: Authorize = () => ({ ...EVERYTHING, history: false });
  await using running = await startServer({ deps: { authorize } });
  const epoch = await storeMessages(running, "r", 5);
  await using bob = await RoomClient.join(running, "r", { user: "bob", query: { after: 5, epoch } });
  assertEquals(bob.welcome.recovered, true);
  assertEquals(await followers(bob), [EMPTY_PRESENCE]);
});

Deno.test("6.9 who may not read history is told of a lost one, and of the present one", async () => {
  const authorize: Authorize = ({ id }) => ({ ...EVERYTHING, history: id !== "bob" });
  await using running = await startServer({ deps: { authorize } });
  const epoch = await storeMessages(running, "r", 5);
  await using bob = await RoomClient.join(running, "r", { user: "bob", query: { after: 2, epoch: "lost" } });
  assertEquals(bob.welcome.recovered, false);
  assertEquals(await followers(bob), [
    { type: "gap", from: 3, to: null, epoch: "lost" },
    { type: "gap", from: 1, to: 5, epoch },
    EMPTY_PRESENCE,
  ]);
});
