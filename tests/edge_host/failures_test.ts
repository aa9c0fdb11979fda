/** Workers that do not start, and workers that end (docs/edge-host.md). */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { BROKEN, PROBE, startStage } from "./edge_stage.ts";

Deno.test("a function that does not start is answered with 503 and why, and is not started again at once", async () => {
  let now = 0;
  await using stage = await startStage(BROKEN, { now: () => now });
  for (let n = 0; n < 3; n++) {
    const response = await fetch(stage.url("/"));
    assertEquals(response.status, 503);
    const { code, message } = await response.json();
    assertEquals(code, "BOOT_ERROR");
    assertMatch(message, /The probe's module is broken/);
  }
  assertEquals(count(stage.events, "boot_failed"), 1);
  now = 1_000;
  await (await fetch(stage.url("/"))).body?.cancel();
  assertEquals(count(stage.events, "boot_failed"), 2);
  assert(stage.output.some((line) => line.includes("The probe's module is broken")));
});

Deno.test("a worker that ends by itself takes its sockets along, and the next request boots another", async () => {
  await using stage = await startStage(PROBE);
  await using socket = await SocketClient.open(stage.socketUrl("/held"));
  const first = await socket.next();
  socket.send("exit");
  assert([0, 1006].includes((await socket.closed()).code));
  const exited = await stage.until("exited");
  assertEquals([exited.isolate, exited.reason, exited.code], [first, "crashed", 7]);
  await using next = await SocketClient.open(stage.socketUrl("/held"));
  assert(await next.next() !== first);
});

Deno.test("an isolate can be killed without a warning; others live on", async () => {
  await using stage = await startStage(PROBE, { isolates: 2 });
  await using one = await SocketClient.open(stage.socketUrl("/held"));
  await using two = await SocketClient.open(stage.socketUrl("/held"));
  const id = String(await one.next());
  await two.next();
  assert(stage.host.kill(id));
  assert([0, 1006].includes((await one.closed()).code));
  assertEquals((await stage.until("exited", id)).reason, "asked");
  assertEquals(stage.host.kill(id), false);
  assertEquals(one.takeAll(), []);
  two.send("hello");
  assertEquals(await two.next(), "echo hello");
});

Deno.test("more workers than are allowed are not started", async () => {
  await using stage = await startStage(PROBE, { maxWorkers: 1, limits: { wallMs: 4_000 } });
  await using socket = await SocketClient.open(stage.socketUrl("/held"));
  await socket.next();
  await stage.until("retired");
  const response = await fetch(stage.url("/"));
  assertEquals([response.status, (await response.json()).code], [503, "NO_WORKER"]);
});

Deno.test("a host that shuts down tells the isolates why, waits for their sockets, and takes nothing new", async () => {
  await using stage = await startStage(PROBE, { limits: { graceMs: 10_000 } });
  await using socket = await SocketClient.open(stage.socketUrl("/held"));
  await socket.next();
  const ended = stage.host.shutdown();
  assertEquals([await socket.next(), await socket.next()], ["drain", "beforeunload termination"]);
  await assertRefused(stage.url("/"));
  socket.send("hello");
  assertEquals(await socket.next(), "echo hello");
  socket.close(1000);
  await ended;
  assertEquals((await stage.until("exited")).reason, "termination");
});

async function assertRefused(url: string): Promise<void> {
  try {
    await (await fetch(url)).body?.cancel();
  } catch (error) {
    if (error instanceof TypeError) return;
    throw error;
  }
  throw new Error("The host took a request");
}

function count(events: readonly { readonly type: string }[], wanted: string): number {
  return events.filter(({ type }) => type === wanted).length;
}
