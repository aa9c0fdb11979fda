/** docs/protocol.md, rule 13.3 where the fault is in a schema of a typed room; its author's mistake is a fault of ours. */
import { assert, assertEquals } from "@std/assert";
import * as z from "zod/mini";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { startRoomEndpoint } from "../support/room_endpoint.ts";

/** Schemas of an endpoint's author that do not work. */
const BROKEN_EVENTS = {
  throws: z.string().check(z.refine(() => {
    throw new Error("the secret");
  })),
  "is async": z.string().check(z.refine(() => Promise.resolve(true))),
  "makes no JSON": z.pipe(z.string(), z.transform(() => 1n)),
  "makes nothing": z.pipe(z.string(), z.transform(() => undefined)),
  good: z.string(),
};

for (const event of ["throws", "is async", "makes no JSON", "makes nothing"] as const) {
  for (const ephemeral of [false, true]) {
    const what = `a schema that ${event} costs ${ephemeral ? "an ephemeral" : "a durable"} frame`;
    Deno.test(`13.3 ${what} an internal with its id; nobody else notices`, async () => {
      await using running = await startRoomEndpoint({ name: "broken", events: BROKEN_EVENTS });
      await using alice = await RoomClient.join(running, "r", { mount: "/x" });
      await using bob = await RoomClient.join(running, "r", { mount: "/x", user: "bob" });
      const bad = publishFrame("x", { event, ephemeral });
      alice.send(bad);
      const answer = await alice.next("error");
      assertEquals([answer.code, answer.id], ["internal", bad.id]);
      assertEquals((await alice.publish("x", { event: "good" })).offset, 1);
      assertEquals((await bob.takeAll()).map(({ type }) => type), ["presence", "message"]);
      await using late = await RoomClient.join(running, "r", { mount: "/x", query: { history: 9 } });
      assertEquals((await late.takeAll()).map(({ type }) => type), ["message", "presence"]);
    });
  }
}

Deno.test("13.3 a fault in one frame of an array costs the others nothing", async () => {
  await using running = await startRoomEndpoint({ name: "broken", events: BROKEN_EVENTS });
  await using alice = await RoomClient.join(running, "r", { mount: "/x" });
  const frames = ["good", "throws", "good"].map((event) => publishFrame("x", { event }));
  alice.send(frames);
  const answers = [];
  for (const { id } of frames) answers.push((await alice.answer(id)).type);
  assertEquals(answers, ["ack", "error", "ack"]);
  assert((await running.logged("room.failed")).length === 1);
});
