/** Workers that do not start, and workers that end (docs/edge-host.md). */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { BROKEN, PROBE, startEdgeFixture } from "./edge_fixture.ts";

Deno.test("a function that does not start is answered with 503 and why, and is not started again at once", async () => {
  let now = 0;
  await using fixture = await startEdgeFixture(BROKEN, { now: () => now });
  for (let n = 0; n < 3; n++) {
    const response = await fetch(fixture.url("/"));
    assertEquals(response.status, 503);
    const { code, message } = await response.json();
    assertEquals(code, "BOOT_ERROR");
    assertMatch(message, /The probe's module is broken/);
  }
  assertEquals(count(fixture.events, "boot_failed"), 1);
  now = 1_000;
  await (await fetch(fixture.url("/"))).body?.cancel();
  assertEquals(count(fixture.events, "boot_failed"), 2);
  assert(fixture.output.some((line) => line.includes("The probe's module is broken")));
});

Deno.test("a worker that ends by itself takes its sockets along, and the next request boots another", async () => {
  await using fixture = await startEdgeFixture(PROBE);
  await using socket = await SocketClient.open(fixture.socketUrl("/held"));
  const first = await socket.next();
  socket.send("exit");
  assert([0, 1006].includes((await socket.closed()).code));
  const exited = await fixture.until("exited");
  assertEquals([exited.isolate, exited.reason, exited.code], [first, "crashed", 7]);
  await using next = await SocketClient.open(fixture.socketUrl("/held"));
  assert(await next.next() !== first);
});

Deno.test("an isolate can be killed without a warning; others live on", async () => {
  await using fixture = await startEdgeFixture(PROBE, { isolates: 2 });
  await using one = await SocketClient.open(fixture.socketUrl("/held"));
  await using two = await SocketClient.open(fixture.socketUrl("/held"));
  const id = String(await one.next());
  await two.next();
  assert(fixture.host.kill(id));
  assert([0, 1006].includes((await one.closed()).code));
  assertEquals((await fixture.until("exited", id)).reason, "asked");
  assertEquals(fixture.host.kill(id), false);
  assertEquals(one.takeAll(), []);
  two.send("hello");
  assertEquals(await two.next(), "echo hello");
});

Deno.test("more workers than are allowed are not started", async () => {
  await using fixture = await startEdgeFixture(PROBE, { maxWorkers: 1, limits: { wallMs: 4_000 } });
  await using socket = await SocketClient.open(fixture.socketUrl("/held"));
  await socket.next();
  await fixture.until("retired");
  const response = await fetch(fixture.url("/"));
  assertEquals([response.status, (await response.json()).code], [503, "NO_WORKER"]);
});

Deno.test("a host that shuts down sends the isolates the reason, waits for their sockets, and accepts nothing new", async () => {
  await using fixture = await startEdgeFixture(PROBE, { limits: { graceMs: 10_000 } });
  await using socket = await SocketClient.open(fixture.socketUrl("/held"));
  await socket.next();
  const ended = fixture.host.shutdown();
  assertEquals([await socket.next(), await socket.next()], ["drain", "beforeunload termination"]);
  await assertRefused(fixture.url("/"));
  socket.send("hello");
  assertEquals(await socket.next(), "echo hello");
  socket.close(1000);
  await ended;
  assertEquals((await fixture.until("exited")).reason, "termination");
});

async function assertRefused(url: string): Promise<void> {
  try {
    await (await fetch(url)).body?.cancel();
  } catch (error) {
    if (error instanceof TypeError) return;
    throw error;
  }
  throw new Error("The host accepted a request after its shutdown");
}

function count(events: readonly { readonly type: string }[], wanted: string): number {
  return events.filter(({ type }) => type === wanted).length;
}
