/** docs/protocol.md, rule 13.3 for a broken schema of a typed room: an internal error. */
import { assert, assertEquals } from "@std/assert";
import * as z from "zod/mini";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { startRoomEndpoint } from "../support/room_endpoint.ts";

/** Broken schemas of an endpoint's author. */
const BROKEN_EVENTS = {
  throws: z.string().check(z.refine(() => {
    throw new Error("the secret");
  })),
  "is async": z.string().check(z.refine(() => Promise.resolve(true))),
  "returns no JSON": z.pipe(z.string(), z.transform(() => 1n)),
  "returns nothing": z.pipe(z.string(), z.transform(() => undefined)),
  good: z.string(),
};

for (const event of ["throws", "is async", "returns no JSON", "returns nothing"] as const) {
  for (const ephemeral of [false, true]) {
    const what = `a schema that ${event}: ${ephemeral ? "an ephemeral" : "a durable"} publish`;
    Deno.test(`13.3 ${what} fails with internal and its id, and no other member is affected`, async () => {
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

Deno.test("13.3 a failing frame of an array does not affect the others", async () => {
  await using running = await startRoomEndpoint({ name: "broken", events: BROKEN_EVENTS });
  await using alice = await RoomClient.join(running, "r", { mount: "/x" });
  const frames = ["good", "throws", "good"].map((event) => publishFrame("x", { event }));
  alice.send(frames);
  const answers = [];
  for (const { id } of frames) answers.push((await alice.answer(id)).type);
  assertEquals(answers, ["ack", "error", "ack"]);
  assert((await running.logged("room.failed")).length === 1);
});
