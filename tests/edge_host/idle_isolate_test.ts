/** Idle isolates: the early drop, and its exceptions (docs/edge-host.md). */
import { assert, assertEquals, assertLess } from "@std/assert";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { PROBE, startEdgeFixture } from "./edge_fixture.ts";

Deno.test("an isolate that waits for no promise is dropped with its sockets open, as soon as it is retired", async () => {
  const wallMs = 3_000;
  await using fixture = await startEdgeFixture(PROBE, { limits: { wallMs } });
  await using socket = await SocketClient.open(fixture.socketUrl("/socket"));
  await socket.next();
  assert([0, 1006].includes((await socket.closed()).code));
  const exited = await fixture.until("exited");
  // The kill follows immediately: messages of the listeners may be lost, printed lines are not.
  assertEquals(fixture.output, ["probe: drain", "probe: beforeunload early_drop"]);
  assertEquals([exited.reason, exited.code], ["early_drop", 137]);
  assertLess(exited.ageMs, wallMs * 0.9);
  assertEquals(order(fixture.events), ["booted", "retired", "drained", "warned", "killed", "exited"]);
});

Deno.test("a pending promise keeps the isolate; when the last socket closes it is dropped", async () => {
  await using fixture = await startEdgeFixture(PROBE, { limits: { wallMs: 4_000 } });
  await using socket = await SocketClient.open(fixture.socketUrl("/held"));
  await socket.next();
  assertEquals(await socket.next(), "drain");
  socket.send("hello");
  assertEquals(await socket.next(), "echo hello");
  assertEquals(fixture.events.filter(({ type }) => type === "warned"), []);
  socket.close(1000);
  await socket.closed();
  assertEquals((await fixture.until("warned")).reason, "early_drop");
  assertEquals((await fixture.until("killed")).reason, "early_drop");
});

Deno.test("a retired isolate drains only once it has answered its requests", async () => {
  await using fixture = await startEdgeFixture(PROBE, { limits: { wallMs: 2_000 } });
  const response = await fetch(fixture.url("/never"));
  assertEquals([response.status, (await response.json()).code], [546, "WORKER_LIMIT"]);
  const { isolate } = await fixture.until("killed");
  const happened = order(fixture.events.filter((event) => event.isolate === isolate));
  assertEquals(happened.slice(0, 4), ["booted", "retired", "warned", "killed"]);
});

Deno.test("an isolate without requests may be dropped before it is retired, if the host allows it", async () => {
  await using fixture = await startEdgeFixture(PROBE, { limits: { absentMs: 300 } });
  await (await fetch(fixture.url("/"))).body?.cancel();
  assertEquals((await fixture.until("retired")).reason, "early_drop");
  assertEquals((await fixture.until("exited")).reason, "early_drop");
  const response = await fetch(fixture.url("/"));
  assertEquals([response.status, typeof (await response.json()).env], [200, "object"]);
});

function order(events: readonly { readonly type: string }[]): string[] {
  return events.map(({ type }) => type);
}
