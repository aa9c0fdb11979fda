/** What becomes of an isolate that looks idle: the early drop, and what keeps it away (docs/edge-host.md). */
import { assert, assertEquals, assertLess } from "@std/assert";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { PROBE, startStage } from "./edge_stage.ts";

Deno.test("an isolate that waits for no promise is dropped with its sockets open, as soon as it is retired", async () => {
  const wallMs = 3_000;
  await using stage = await startStage(PROBE, { limits: { wallMs } });
  await using socket = await SocketClient.open(stage.socketUrl("/socket"));
  await socket.next();
  assert([0, 1006].includes((await socket.closed()).code));
  const exited = await stage.until("exited");
  // The kill follows at once: what its listeners sent may not be out, what they printed is.
  assertEquals(stage.output, ["probe: drain", "probe: beforeunload early_drop"]);
  assertEquals([exited.reason, exited.code], ["early_drop", 137]);
  assertLess(exited.ageMs, wallMs * 0.9);
  assertEquals(order(stage.events), ["booted", "retired", "drained", "warned", "killed", "exited"]);
});

Deno.test("a pending promise keeps the isolate; when the last socket closes it is dropped", async () => {
  await using stage = await startStage(PROBE, { limits: { wallMs: 4_000 } });
  await using socket = await SocketClient.open(stage.socketUrl("/held"));
  await socket.next();
  assertEquals(await socket.next(), "drain");
  socket.send("hello");
  assertEquals(await socket.next(), "echo hello");
  assertEquals(stage.events.filter(({ type }) => type === "warned"), []);
  socket.close(1000);
  await socket.closed();
  assertEquals((await stage.until("warned")).reason, "early_drop");
  assertEquals((await stage.until("killed")).reason, "early_drop");
});

Deno.test("a retired isolate is told to drain only when it has answered its requests", async () => {
  await using stage = await startStage(PROBE, { limits: { wallMs: 2_000 } });
  const response = await fetch(stage.url("/never"));
  assertEquals([response.status, (await response.json()).code], [546, "WORKER_LIMIT"]);
  const { isolate } = await stage.until("killed");
  const happened = order(stage.events.filter((event) => event.isolate === isolate));
  assertEquals(happened.slice(0, 4), ["booted", "retired", "warned", "killed"]);
});

Deno.test("an isolate that is asked nothing may be dropped before it is retired, where the host is told so", async () => {
  await using stage = await startStage(PROBE, { limits: { absentMs: 300 } });
  await (await fetch(stage.url("/"))).body?.cancel();
  assertEquals((await stage.until("retired")).reason, "early_drop");
  assertEquals((await stage.until("exited")).reason, "early_drop");
  const response = await fetch(stage.url("/"));
  assertEquals([response.status, typeof (await response.json()).env], [200, "object"]);
});

function order(events: readonly { readonly type: string }[]): string[] {
  return events.map(({ type }) => type);
}
