/** docs/protocol.md, section 3 but for rule 3.5, which is in wrong_frames_test.ts. */
import { assert, assertEquals } from "@std/assert";
import { EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { REALTIME_V1 } from "../../packages/protocol/subprotocols.ts";
import { ANY_RATE, freshId, publishFrame, RoomClient, roomUrl } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { KINDS } from "./kinds.ts";

/** Creates pings with distinct ids. */
function pings(count: number): { type: "ping"; id: string }[] {
  return Array.from({ length: count }, () => ({ type: "ping", id: freshId() }));
}

/** Nests arrays and objects. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { value };
  return value;
}

for (const { kind, plain } of KINDS) {
  Deno.test(`3.1 a binary message of ${kind} closes its sender with 1003 and affects no other member`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    alice.sendRaw(new TextEncoder().encode(JSON.stringify(publishFrame("x"))).buffer);
    assertEquals((await alice.closed()).code, 1003);
    assertEquals((await bob.takeAll()).map(({ type }) => type), ["presence"]);
  });
}

Deno.test("3.2 a realtime.v1 client receives simultaneous frames as arrays, in order", async () => {
  await using running = await startServer();
  await using bob = await SocketClient.open(await roomUrl(running, "r", { user: "bob" }), REALTIME_V1);
  await using alice = await RoomClient.join(running, "r");
  alice.send(Array.from({ length: 50 }, (_, index) => publishFrame(index)));
  const received: unknown[] = [];
  let messages = 0;
  while (received.length < 50) {
    const value = JSON.parse(String(await bob.next()));
    const frames = [value].flat().filter(({ type }) => type === "message");
    if (frames.length > 0) messages++;
    received.push(...frames.map(({ data }) => data));
  }
  assertEquals(received, Array.from({ length: 50 }, (_, index) => index));
  assert(messages < 50, "nothing was joined");
});

Deno.test("3.2 a realtime.v1 client may send up to 100 frames as an array, handled in order", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const frames = pings(100);
  alice.send(frames);
  for (const { id } of frames) assertEquals(await alice.next("pong"), { type: "pong", id });
});

for (const count of [0, 101]) {
  Deno.test(`3.2 an array of ${count} frames is one invalid_frame, and none of them is handled`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r");
    alice.send(pings(count));
    const { code } = await alice.next("error");
    assertEquals(code, "invalid_frame");
    assertEquals((await alice.takeAll()).map(({ type }) => type), ["presence"]);
  });
}

Deno.test("3.3 a plain client receives every frame in its own message, in order", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob", plain: true });
  alice.send(Array.from({ length: 50 }, (_, index) => publishFrame(index)));
  for (let index = 0; index < 50; index++) assertEquals((await bob.next("message")).data, index);
});

Deno.test("3.3 a plain client receives each missed message on its own", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  alice.send(Array.from({ length: 50 }, (_, index) => publishFrame(index)));
  await alice.offsets(50);
  await using bob = await RoomClient.join(running, "r", { plain: true, query: { history: 50 } });
  assertEquals(await bob.offsets(50), Array.from({ length: 50 }, (_, index) => index + 1));
});

Deno.test("3.3 an array of a plain client is one invalid_frame, and none of it is handled", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r", { plain: true });
  alice.send([publishFrame(1), publishFrame(2)]);
  const { code } = await alice.next("error");
  assertEquals(code, "invalid_frame");
  assertEquals((await alice.takeAll()).map(({ type }) => type), ["presence"]);
});

Deno.test("3.4 unknown fields of a frame are ignored and not delivered", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  alice.sendJson({ ...publishFrame("x", { id: "1" }), colour: "blue", from: { user: "mallory" }, offset: 9 });
  const { offset, data, from, ...rest } = await alice.next("message");
  assertEquals({ offset, data, user: from.user }, { offset: 1, data: "x", user: "alice" });
  assertEquals(Object.keys(rest).sort(), ["at", "event", "id", "type"]);
  assertEquals(await alice.answer("1"), { type: "ack", id: "1", offset: 1 });
  alice.sendJson({ type: "ping", id: "2", state: 5, token: {} });
  assertEquals(await alice.answer("2"), { type: "pong", id: "2" });
});

Deno.test("3.4 unknown fields within `to` are ignored", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  alice.sendJson({
    ...publishFrame("x", { id: "1", ephemeral: true }),
    to: { user: "alice", device: "phone" },
  });
  assertEquals(await alice.answer("1"), { type: "ack", id: "1" });
});

Deno.test("3.6 data may be nested at most 64 levels deep", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await alice.publish(nested(64));
  assertEquals((await alice.next("message")).data, nested(64));
  const answer = await alice.request(publishFrame(nested(65), { id: "deep" }));
  assert(answer.type === "error");
  assertEquals([answer.code, answer.field], ["invalid_frame", "data"]);
  alice.sendRaw(
    `{"type":"publish","id":"deeper","event":"e","data":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
  );
  const deeper = await alice.answer("deeper");
  assert(deeper.type === "error");
  assertEquals([deeper.code, deeper.field], ["invalid_frame", "data"]);
});

Deno.test("3.6 state may be nested at most 64 levels deep", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await alice.present({ nested: nested(63) });
  alice.send({ type: "presence", id: "deep", state: { nested: nested(64) } });
  const answer = await alice.answer("deep");
  assert(answer.type === "error");
  assertEquals([answer.code, answer.field], ["invalid_frame", "state"]);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`3.7 frames of ${kind} are handled in the order of sending`, async () => {
    await using running = await startServer({ env: ANY_RATE });
    await using alice = await RoomClient.join(running, "r", { plain });
    await alice.next("presence");
    for (let round = 0; round < 20; round++) {
      alice.send(publishFrame(round, { id: `${round} a` }));
      alice.send({ type: "history", id: `${round} b`, after: 0, limit: 500 });
      alice.send({ type: "presence", id: `${round} c`, state: { round } });
      alice.sendRaw("what?");
      alice.send({ type: "ping", id: `${round} d` });
    }
    for (let round = 0; round < 20; round++) {
      assertEquals((await alice.next("message")).data, round);
      const page = await alice.next("history");
      assertEquals([page.id, page.messages.length], [`${round} b`, round + 1]);
      await alice.next("presence");
      await alice.next("error");
      assertEquals(await alice.next("pong"), { type: "pong", id: `${round} d` });
    }
  });
}

Deno.test("3.7 a frame waits for a slow one before it", async () => {
  const gate = Promise.withResolvers<void>();
  const requested = Promise.withResolvers<void>();
  let isJoined = false;
  await using running = await startServer({
    deps: {
      async authorize({ id }) {
        if (id === "alice" && isJoined) {
          requested.resolve();
          await gate.promise;
        }
        return EVERYTHING;
      },
    },
  });
  await using alice = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  isJoined = true;
  const token = await running.issuer.token("alice");
  alice.send([{ type: "auth", id: "1", token }, publishFrame("in the array", { id: "2" })]);
  alice.send(publishFrame("after it", { id: "3" }));
  await requested.promise;
  assertEquals((await bob.takeAll()).map(({ type }) => type), ["presence"]);
  gate.resolve();
  await alice.answer("3");
  assertEquals([(await bob.next("message")).data, (await bob.next("message")).data], [
    "in the array",
    "after it",
  ]);
});
