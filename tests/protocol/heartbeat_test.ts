/** docs/protocol.md, section 9. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

for (const { kind, plain } of KINDS) {
  Deno.test(`9.1 the server sends a frame at least every heartbeat_ms: ${kind}`, async () => {
    const heartbeatMs = 800;
    await using running = await startServer({ env: { HEARTBEAT_MS: String(heartbeatMs) } });
    await using alice = await RoomClient.join(running, "r", { plain });
    assertEquals(alice.welcome.heartbeat_ms, heartbeatMs);
    const joinedAt = performance.now();
    const beats = 4;
    for (let beat = 0; beat < beats; beat++) {
      assertEquals(await alice.next("pong"), { type: "pong" });
      await alice.request({ type: "ping", id: "here" });
    }
    // The average of all, because a busy machine may delay one.
    assertLess(performance.now() - joinedAt, beats * heartbeatMs);
  });
}

for (const { kind, plain } of KINDS) {
  Deno.test(`9.2 a ping is answered with a pong of the same id: ${kind}`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    for (const id of ["1", "1", "x".repeat(64), 'odd "id" \u0000 \ud800', "__proto__"]) {
      alice.send({ type: "ping", id });
      assertEquals(await alice.next("pong"), { type: "pong", id });
    }
    assertEquals((await bob.takeAll()).map(({ type }) => type), ["presence"]);
  });
}

Deno.test("9.3 a realtime.v1 client that sends nothing for twice heartbeat_ms is closed with 4408", async () => {
  await using running = await startServer({ env: { HEARTBEAT_MS: "300" } });
  await using alice = await RoomClient.join(running, "r");
  const joinedAt = performance.now();
  assertEquals((await alice.closed()).code, 4408);
  assert(performance.now() - joinedAt > 300, "closed too early");
});

Deno.test("9.3 a client that sends any frame within that time stays, and a plain client may be silent", async () => {
  // A second, so that a busy machine does not count as silence.
  await using running = await startServer({ env: { HEARTBEAT_MS: "1000" } });
  await using pinging = await RoomClient.join(running, "r");
  await using babbling = await RoomClient.join(running, "r");
  await using plain = await RoomClient.join(running, "r", { plain: true });
  await using silent = await RoomClient.join(running, "r");
  let isOver = false;
  const over = silent.closed().finally(() => isOver = true);
  while (!isOver) {
    const { id } = await pinging.next("pong");
    // The server's own heartbeat after a silence.
    if (id !== undefined) continue;
    pinging.send({ type: "ping", id: "here" });
    babbling.sendRaw("no JSON");
  }
  assertEquals((await over).code, 4408);
  await pinging.publish("still here");
  await babbling.publish("still here");
  assertEquals(await plain.offsets(2), [1, 2]);
  assertEquals((await plain.publish("still here")).offset, 3);
});
