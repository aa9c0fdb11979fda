/** Limits of CPU and memory: their warnings and kills (docs/edge-host.md). */
import { assert, assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { PROBE, startEdgeFixture } from "./edge_fixture.ts";

const MIB = 1_048_576;

Deno.test("the soft limit of CPU retires an isolate, nine tenths of the hard one warn it, all of it kills it", async () => {
  await using fixture = await startEdgeFixture(PROBE, { limits: { cpuSoftMs: 400, cpuHardMs: 1_500 } });
  await using socket = await SocketClient.open(fixture.socketUrl("/held"));
  await socket.next();
  // Small pieces, because a blocked event loop is killed before it handles the warning.
  socket.send("churn");
  const retired = await fixture.until("retired");
  assertEquals(retired.reason, "cpu");
  assertGreaterOrEqual(retired.cpuMs, 400);
  const warned = await fixture.until("warned");
  assertEquals(warned.reason, "cpu");
  assertGreaterOrEqual(warned.cpuMs, 1_350);
  const killed = await fixture.until("killed");
  assertEquals(killed.reason, "cpu");
  assertGreaterOrEqual(killed.cpuMs, 1_500);
  assert([0, 1006].includes((await socket.closed()).code));
  assertEquals(socket.takeAll(), ["drain", "beforeunload cpu"]);
});

Deno.test("a task that does not end is killed at the hard limit, and nobody hears a warning", async () => {
  await using fixture = await startEdgeFixture(PROBE, { limits: { cpuSoftMs: 300, cpuHardMs: 600 } });
  await using socket = await SocketClient.open(fixture.socketUrl("/held"));
  await socket.next();
  socket.send("burn 60000");
  const killed = await fixture.until("killed");
  assertEquals(killed.reason, "cpu");
  assertLess(killed.cpuMs, 1_500);
  assert([0, 1006].includes((await socket.closed()).code));
  assertEquals(socket.takeAll(), []);
});

Deno.test("at nine tenths of the memory an isolate is warned, at all of it it is killed", async () => {
  await using fixture = await startEdgeFixture(PROBE, { limits: { memoryBytes: 200 * MIB } });
  await using socket = await SocketClient.open(fixture.socketUrl("/held"));
  await socket.next();
  // Slowly, because memory allocated at once exceeds the limit before the host's next check.
  socket.send("tick");
  for (;;) {
    const next = await socket.next();
    if (next === "tick") socket.send("hoard 8");
    if (next === "beforeunload memory") break;
  }
  const warned = await fixture.until("warned");
  assertEquals(warned.reason, "memory");
  assertGreaterOrEqual(warned.memoryBytes, 180 * MIB);
  socket.send("hoard 60");
  const killed = await fixture.until("killed");
  assertEquals(killed.reason, "memory");
  assertGreaterOrEqual(killed.memoryBytes, 200 * MIB);
  assert([0, 1006].includes((await socket.closed()).code));
});

Deno.test("an idle isolate is dropped at half of its memory", async () => {
  await using fixture = await startEdgeFixture(PROBE, { limits: { memoryBytes: 200 * MIB } });
  await using socket = await SocketClient.open(fixture.socketUrl("/socket"));
  await socket.next();
  socket.send("hoard 120");
  const retired = await fixture.until("retired");
  assertEquals(retired.reason, "early_drop");
  assertGreaterOrEqual(retired.memoryBytes, 100 * MIB);
  assertEquals((await fixture.until("exited")).reason, "early_drop");
});
