/** Connections on which the isolate is silent (docs/edge-host.md). */
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { PROBE, startEdgeFixture } from "./edge_fixture.ts";

Deno.test("a silent socket is cut without a close frame, whatever the client sends; an answered one stays", async () => {
  const idleMs = 1_000;
  await using fixture = await startEdgeFixture(PROBE, { limits: { idleMs } });
  await using silent = await SocketClient.open(fixture.socketUrl("/held"));
  await silent.next();
  await using answered = await SocketClient.open(fixture.socketUrl("/held"));
  await answered.next();
  answered.send("tick");
  const since = performance.now();
  const closed = silent.closed();
  let isOver = false;
  void closed.then(() => isOver = true);
  while (!isOver) {
    silent.send("hush");
    assertEquals(await answered.next(), "tick");
  }
  assert([0, 1006].includes((await closed).code));
  assertGreaterOrEqual(performance.now() - since, idleMs * 0.9);
  assertEquals(fixture.events.map(({ type }) => type), ["booted", "silenced"]);
  answered.send("still here");
  for (;;) if (await answered.next() === "echo still here") break;
});

Deno.test("a request that is not answered in time gets 504", async () => {
  await using fixture = await startEdgeFixture(PROBE, { limits: { idleMs: 500 } });
  const response = await fetch(fixture.url("/never"));
  assertEquals([response.status, (await response.json()).code], [504, "IDLE_TIMEOUT"]);
});
