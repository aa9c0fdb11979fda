/** docs/protocol.md, rules 5.7 to 5.9. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import * as z from "zod/mini";
import { ANY_RATE, publishFrame, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { startRoomEndpoint } from "../support/room_endpoint.ts";
import { startServer } from "../support/running_server.ts";

Deno.test("5.7 every publish is answered with an ack or an error", async () => {
  await using running = await startServer({ env: { FRAMES_BURST: "40", FRAMES_PER_SECOND: "1" } });
  await using alice = await RoomClient.join(running, "r");
  const frames = Array.from({ length: 60 }, (_, index) => ({
    ...publishFrame(index),
    ...(index % 3 === 0 ? { ephemeral: true } : {}),
    ...(index % 5 === 0 ? { event: "" } : {}),
  }));
  alice.send(frames.slice(0, 30));
  for (const frame of frames.slice(30)) alice.send(frame);
  for (const [index, { id }] of frames.entries()) {
    const answer = await alice.answer(id);
    const description = `${index}: ${JSON.stringify(answer)}`;
    if (answer.type === "ack") assert(index % 5 !== 0 && index < 45, description);
    else {
      assert(answer.type === "error", description);
      if (answer.code !== "rate_limited") {
        assertEquals([answer.code, index % 5], ["invalid_frame", 0], description);
      }
    }
  }
});

Deno.test("5.7 publishes above the queue limit get an error, and the others an ack", async () => {
  await using running = await startServer({ env: { MAX_QUEUED_FRAMES: "5" } });
  const backplane = backplaneOf(running);
  const gate = Promise.withResolvers<void>();
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async publish(room, drafts) {
        await gate.promise;
        return await backplane.publish(room, drafts);
      },
    }),
  });
  await using alice = await RoomClient.join(running, "r");
  const frames = Array.from({ length: 7 }, (_, index) => publishFrame(index));
  alice.send(frames);
  for (const { id } of frames.slice(5)) {
    const answer = await alice.answer(id);
    assert(answer.type === "error");
    assertEquals(answer.code, "rate_limited");
    assert(answer.retry_after_ms !== undefined);
  }
  gate.resolve();
  for (const { id } of frames.slice(0, 5)) assertEquals((await alice.answer(id)).type, "ack");
});

Deno.test("5.7 every publish is answered at the highest allowed rate, each in its own array", async () => {
  await using running = await startServer({ env: ANY_RATE });
  await using alice = await RoomClient.join(running, "r");
  const frames = Array.from({ length: 4_000 }, (_, index) => publishFrame(index));
  for (const frame of frames) alice.send([frame]);
  for (const { id } of frames) assertEquals((await alice.answer(id)).type, "ack");
});

Deno.test("5.8 `from` is the verified user and the connection, whatever the client sends", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const lies = {
    from: { user: "bob", connection: "c" },
    user: "bob",
    connection: "c",
    offset: 99,
    at: 1,
    __proto__: { from: { user: "bob" } },
  };
  alice.sendJson({ ...publishFrame("x"), ...lies });
  alice.sendJson({ ...publishFrame("y", { ephemeral: true }), ...lies });
  for (const offset of [1, undefined]) {
    const message = await alice.next("message");
    assertEquals(message.from, { user: "alice", connection: alice.connection });
    assertEquals(message.offset, offset);
    assert(message.at > 1);
  }
});

/** Ids and event names: any JSON text of 1 to 64 UTF-16 units. */
const Name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 64 }).filter((text) => text.length <= 64);

Deno.test("5.8 event, data and id arrive unchanged: live, replayed and in a page", async () => {
  await using running = await startServer({ env: { ...ANY_RATE, HISTORY_MESSAGES: "100000" } });
  await using alice = await RoomClient.join(running, "r");
  await using plain = await RoomClient.join(running, "r", { plain: true });
  const expected: unknown[] = [];
  let count = 0;
  await fc.assert(
    fc.asyncProperty(Name, Name, fc.jsonValue({ noUnicodeString: false }), async (event, id, data) => {
      const sent = { event, id: `${count++}${id}`.slice(0, 64), data };
      // JSON has no -0.
      expected.push(JSON.parse(JSON.stringify(sent)));
      alice.sendJson({ type: "publish", ...sent });
      for (const member of [alice, plain]) {
        const message = await member.next("message");
        assertEquals({ event: message.event, id: message.id, data: message.data }, expected.at(-1));
      }
    }),
    { numRuns: 100 },
  );
  await using late = await RoomClient.join(running, "r", { query: { history: 500 } });
  const page = await alice.request({ type: "history", id: "page", after: 0, limit: 500 });
  assert(page.type === "history");
  for (const [index, sent] of expected.entries()) {
    const { event, id, data } = await late.next("message");
    assertEquals({ event, id, data }, sent);
    const entry = page.messages[index];
    assertEquals({ event: entry?.event, id: entry?.id, data: entry?.data }, sent);
  }
});

Deno.test("5.8 unusual data arrives unchanged", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const texts = [
    "null",
    '""',
    '"\\ud800"',
    '"\\u2028\\u0000</script>"',
    '{"__proto__":{"a":1},"constructor":1,"toJSON":"x"}',
    '{"type":"welcome","offset":-1}',
    '[[],{},"",0,false,null]',
    "1e21",
  ];
  for (const text of texts) {
    alice.sendRaw(`{"type":"publish","id":${JSON.stringify(text)},"event":"e","data":${text}}`);
    const { data } = await alice.next("message");
    assertEquals(JSON.stringify(data), JSON.stringify(JSON.parse(text)));
  }
});

const BOARD_EVENTS = {
  move: z.object({ x: z.number(), y: z.number(), piece: z.optional(z.object({ name: z.string() })) }),
  chat: z.string().check(z.maxLength(5)),
};

Deno.test("5.9 a typed room delivers data that matches its schema", async () => {
  await using running = await startRoomEndpoint({ name: "boards", events: BOARD_EVENTS });
  await using alice = await RoomClient.join(running, "b", { mount: "/x" });
  assertEquals((await alice.publish({ x: 1, y: 2 }, { event: "move" })).offset, 1);
  assertEquals((await alice.publish("hello", { event: "chat", ephemeral: true })).offset, undefined);
  assertEquals([(await alice.next("message")).data, (await alice.next("message")).data], [
    { x: 1, y: 2 },
    "hello",
  ]);
});

const UNFIT: readonly (readonly [event: string, data: unknown, field: string])[] = [
  ["jump", { x: 1, y: 2 }, "event"],
  ["constructor", {}, "event"],
  ["__proto__", {}, "event"],
  ["move", null, "data"],
  ["move", [], "data"],
  ["move", { x: 1 }, "data.y"],
  ["move", { x: "1", y: 2 }, "data.x"],
  ["move", { x: 1, y: 2, piece: { name: 3 } }, "data.piece.name"],
  ["chat", "too long", "data"],
];
for (const [event, data, field] of UNFIT) {
  for (const ephemeral of [false, true]) {
    const what = `${ephemeral ? "ephemeral " : ""}${event} with ${JSON.stringify(data)}`;
    Deno.test(`5.9 in a typed room ${what} is an invalid_frame that names ${field}`, async () => {
      await using running = await startRoomEndpoint({ name: "boards", events: BOARD_EVENTS });
      await using alice = await RoomClient.join(running, "b", { mount: "/x" });
      const answer = await alice.request(publishFrame(data, { event, ephemeral }));
      assert(answer.type === "error");
      assertEquals([answer.code, answer.field], ["invalid_frame", field]);
      assertEquals((await alice.takeAll()).map(({ type }) => type), ["presence"]);
    });
  }
}
