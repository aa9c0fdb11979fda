/** docs/protocol.md, section 11. */
import { assert, assertEquals } from "@std/assert";
import { connect } from "../support/handshake.ts";
import { assertProblem } from "../support/problem.ts";
import { backplaneOf } from "../support/room_services.ts";
import { freshId, publishFrame, RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

for (const { kind, plain } of KINDS) {
  Deno.test(`11.1 draining carries the reason and when to reconnect, and a close with 1012 follows: ${kind}`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await alice.next("presence");
    const drained = running.engine.connections.drain("wall_clock", 0);
    const { reason, reconnect_after_ms: after } = await alice.next("draining");
    assertEquals(reason, "wall_clock");
    assert(after >= 0 && after <= 10_000, String(after));
    assertEquals((await alice.closed()).code, 1012);
    await drained;
  });

  Deno.test(`11.1 pending frames are sent before draining: ${kind}`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await alice.next("presence");
    const backplane = backplaneOf(running);
    const ids = Array.from({ length: 20 }, () => freshId());
    // In one tick: only the first frame has been sent when the drain begins.
    const from = { user: "bob" };
    for (const id of ids) void backplane.publish("rooms/r", [{ id, event: "e", data: "1", from }]);
    void running.engine.connections.drain("memory", 0);
    for (const id of ids) {
      const frame = await alice.take();
      assert(frame.type === "message", JSON.stringify(frame));
      assertEquals(frame.id, id);
    }
    assertEquals((await alice.take()).type, "draining");
    assertEquals((await alice.closed()).code, 1012);
  });
}

Deno.test("11.1 a publish just before the drain is acked, or can be repeated at the next isolate", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const frame = publishFrame("x");
  alice.send(frame);
  assertEquals(await alice.answer(frame.id), { type: "ack", id: frame.id, offset: 1 });
  await running.engine.connections.drain("cpu", 0);
  assertEquals((await alice.next("draining")).reason, "cpu");
});

Deno.test("11.1 a draining isolate refuses new members and says when to retry", async () => {
  await using running = await startServer();
  await running.engine.connections.drain("early_drop", 0);
  assertProblem(await connect(running, "/rooms/r"), { status: 503, code: "overloaded", title: "Overloaded" });
});

Deno.test("11.1 a drain with time closes every socket, one after the other", async () => {
  await using running = await startServer();
  const members = await Promise.all(
    Array.from({ length: 5 }, (_, index) => RoomClient.join(running, "r", { user: `user ${index}` })),
  );
  const drained = running.engine.connections.drain("termination", 500);
  for (const member of members) {
    assertEquals((await member.next("draining")).reason, "termination");
    assertEquals((await member.closed()).code, 1012);
    await member[Symbol.asyncDispose]();
  }
  await drained;
});
