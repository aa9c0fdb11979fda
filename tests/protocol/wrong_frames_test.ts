/** docs/protocol.md, rule 3.5. */
import { assert, assertEquals } from "@std/assert";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

/** Wrong frames: fields that replace valid ones, and the field that the error must name. */
const WRONG: readonly (readonly [changes: Record<string, unknown>, field: string])[] = [
  [{ type: undefined }, "type"],
  [{ type: "dance" }, "type"],
  [{ type: ["publish"] }, "type"],
  [{ type: "welcome" }, "type"],
  [{ type: "__proto__" }, "type"],
  [{ id: undefined }, "id"],
  [{ id: "" }, "id"],
  [{ id: 7 }, "id"],
  [{ id: "x".repeat(65) }, "id"],
  [{ event: undefined }, "event"],
  [{ event: "" }, "event"],
  [{ event: "x".repeat(65) }, "event"],
  [{ event: null }, "event"],
  [{ data: undefined }, "data"],
  [{ ephemeral: "yes" }, "ephemeral"],
  [{ to: { user: "bob" } }, "to"],
  [{ to: { user: "bob" }, ephemeral: false }, "to"],
  [{ to: "bob", ephemeral: true }, "to"],
  [{ to: {}, ephemeral: true }, "to"],
  [{ to: { user: 5 }, ephemeral: true }, "to"],
  [{ to: { user: "" }, ephemeral: true }, "to"],
  [{ key: "cursor" }, "key"],
  [{ key: "cursor", ephemeral: false }, "key"],
  [{ key: "", ephemeral: true }, "key"],
  [{ key: "x".repeat(65), ephemeral: true }, "key"],
  [{ key: 7, ephemeral: true }, "key"],
  [{ ack: false }, "ack"],
  [{ ack: false, ephemeral: false }, "ack"],
  [{ ack: "no", ephemeral: true }, "ack"],
  [{ type: "presence" }, "state"],
  [{ type: "presence", state: [] }, "state"],
  [{ type: "presence", state: "here" }, "state"],
  [{ type: "history", after: 0 }, "limit"],
  [{ type: "history", after: 0, limit: 0 }, "limit"],
  [{ type: "history", after: 0, limit: 501 }, "limit"],
  [{ type: "history", after: 0, limit: 1.5 }, "limit"],
  [{ type: "history", after: 0, limit: "5" }, "limit"],
  [{ type: "history", after: -1, limit: 5 }, "after"],
  [{ type: "history", before: 0.5, limit: 5 }, "before"],
  [{ type: "history", limit: 5 }, "after"],
  [{ type: "history", after: 1, before: 2, limit: 5 }, "after"],
  [{ type: "auth" }, "token"],
  [{ type: "auth", token: null }, "token"],
  [{ type: "ping", id: null }, "id"],
];

for (const { kind, plain } of KINDS) {
  Deno.test(`3.5 a wrong field is an invalid_frame with its name and the frame's id, for ${kind}`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    for (const [changes, field] of WRONG) {
      const frame = { ...publishFrame("x"), ...changes };
      alice.sendJson(frame);
      const error = await alice.next("error");
      const description = `${JSON.stringify(frame)}: ${JSON.stringify(error)}`;
      assertEquals(error.code, "invalid_frame", description);
      assertEquals(error.field?.split(".")[0], field, description);
      const { id } = frame;
      assertEquals(error.id, field === "id" ? error.id : id, description);
      assert(error.id === undefined || error.id === id, description);
    }
    assertEquals((await alice.publish("still here")).offset, 1);
  });

  Deno.test(`3.5 a frame that is not a JSON object is an invalid_frame, and ${kind} stays connected`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    const texts = [
      "",
      " ",
      "hello",
      "{",
      '{"type":"ping"',
      "null",
      "true",
      "42",
      '"ping"',
      "undefined",
      "\u0000",
    ];
    for (const text of texts) {
      alice.sendRaw(text);
      const { code, id } = await alice.next("error");
      assertEquals({ code, id }, { code: "invalid_frame", id: undefined }, JSON.stringify(text));
    }
    assertEquals((await alice.publish("still here")).offset, 1);
  });
}

Deno.test("3.5 each frame of an array is checked on its own", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await alice.next("presence");
  alice.sendJson([
    { type: "ping", id: "1" },
    null,
    { type: "dance", id: "2" },
    [{ type: "ping", id: "not done" }],
    { type: "ping", id: "3" },
  ]);
  const answers = [];
  for (let count = 0; count < 5; count++) answers.push(await alice.take());
  assertEquals(answers.map((frame) => [frame.type, "id" in frame ? frame.id : undefined]), [
    ["pong", "1"],
    ["error", undefined],
    ["error", "2"],
    ["error", undefined],
    ["pong", "3"],
  ]);
});
