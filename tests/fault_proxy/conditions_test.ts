import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { deadline } from "@std/async";
import { Offsets } from "../hostile/offsets.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";
import { behind } from "../support/behind_fault_proxy.ts";
import { FaultProxy } from "../support/fault_proxy/fault_proxy.ts";
import { after } from "../support/fault_proxy/faults.ts";
import { kernelBufferBytes } from "../support/kernel_buffers.ts";
import { ANY_RATE, freshId, publishFrame, RoomClient, roomUrl } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";

/** Limits for fast publishing, with little history. */
const FAST = { ...ANY_RATE, HISTORY_MESSAGES: "10" } as const;

/** Publishes more than the kernel can buffer for a slow member; resolves with the bytes. */
async function fillBuffers(running: RunningServer): Promise<number> {
  const offsets = new Offsets();
  const url = await roomUrl(running, "room", { user: "publisher" });
  await using publisher = await TcpMember.open(url, { onFrame: offsets.take });
  const size = 50_000;
  const count = Math.ceil((await kernelBufferBytes() + 2 * 1_048_576) / size);
  for (let offset = 1; offset <= count; offset++) {
    await publisher.send(publishFrame("x".repeat(size)));
    await deadline(offsets.reach(offset), PATIENCE_MS);
  }
  return count * size;
}

Deno.test("half-open: sent bytes are held and no peer notices; after the release all of them arrive", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  await using member = await RoomClient.join(behind(proxy, running), "room");
  await using observer = await RoomClient.join(running, "room", { user: "bob" });
  const connection = await proxy.connection(1);
  await member.takeAll();
  connection.hold();
  const bytes = { toClient: connection.bytes("toClient"), toServer: connection.bytes("toServer") };
  member.send([publishFrame("a", { id: "a" }), publishFrame("b", { id: "b" })]);
  await observer.publish("from outside");
  assertEquals((await observer.takeAll()).flatMap((frame) => frame.type === "message" ? [frame.data] : []), [
    "from outside",
  ]);
  assertEquals(bytes, { toClient: connection.bytes("toClient"), toServer: connection.bytes("toServer") });
  connection.release();
  assertEquals(await member.offsets(3), [1, 2, 3]);
  assertEquals(running.logs.filter(({ event }) => event === "socket.close"), []);
});

Deno.test("half-open in one direction: the client is heard, and hears nothing", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ hold: { from: after("toClient", { type: "welcome" }), direction: "toClient" } });
  await using observer = await RoomClient.join(running, "room", { user: "bob" });
  const [member] = await TcpMember.join(await roomUrl(behind(proxy, running), "room"));
  await using publisher = member;
  await proxy.until("held");
  await publisher.send(publishFrame("heard"));
  assertEquals((await observer.next("message")).data, "heard");
  (await proxy.connection(1)).cut();
  assertEquals(await publisher.ended, 1006);
  assertEquals(publisher.frames.map(({ type }) => type), ["welcome"]);
});

Deno.test("half-open for a while: then the connection is cut, and what was taken is lost, or all of it arrives", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  const from = after("toClient", { type: "welcome" });
  proxy.next({ hold: { from, ms: 20, then: "cut" } }, { hold: { from, ms: 20 } });
  const [member] = await TcpMember.join(await roomUrl(behind(proxy, running), "room"));
  await using lost = member;
  assertEquals(await lost.ended, 1006);
  assertEquals(lost.frames.map(({ type }) => type), ["welcome"]);
  await using patient = await RoomClient.join(behind(proxy, running), "room");
  await patient.publish("late");
  assertEquals([proxy.count("held"), proxy.count("released"), proxy.count("cut")], [2, 1, 1]);
});

Deno.test("half-open: a client that leaves is still there for the server until the connection is cut", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  const [member] = await TcpMember.join(await roomUrl(behind(proxy, running), "room"));
  await using observer = await RoomClient.join(running, "room", { user: "bob" });
  proxy.hold();
  await member[Symbol.asyncDispose]();
  await observer.takeAll();
  assertEquals(running.logs.filter(({ event }) => event === "socket.close"), []);
  proxy.cutAll();
  await running.logged("socket.close");
});

Deno.test("a connection made in a tunnel opens when the tunnel ends", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  proxy.hold();
  const joining = RoomClient.join(behind(proxy, running), "room");
  await proxy.connection(1);
  assertEquals(running.logs.filter(({ event }) => event === "socket.open"), []);
  proxy.release();
  await using member = await joining;
  assertEquals(member.welcome.room, "room");
});

Deno.test("a delay keeps everything back for so long, in order, and may change", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ delayMs: { toClient: 60 } });
  await using member = await RoomClient.join(behind(proxy, running), "room");
  await member.takeAll();
  const startedAt = performance.now();
  await member.publish("late");
  assertGreater(performance.now() - startedAt, 59);
  const ids = Array.from({ length: 20 }, freshId);
  const connection = await proxy.connection(1);
  for (const [index, id] of ids.entries()) {
    connection.delay({ toClient: index % 2 === 0 ? 15 : 0 });
    member.send({ type: "ping", id });
    // Each pong arrives in its own chunk, so that a later one might overtake.
    await connection.until("messageToServer", index + 3);
  }
  const pongs = (await member.takeAll()).flatMap((frame) => frame.type === "pong" ? [frame.id] : []);
  assertEquals(pongs, ids);
});

Deno.test("a slow reader fills the server's buffer until it is closed with 1013, the others get everything (10.4)", async () => {
  await using running = await startServer({ env: FAST });
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ bytesPerSecond: { toClient: 20_000 } });
  await using slow = await TcpMember.open(await roomUrl(behind(proxy, running), "room", { user: "slow" }), {
    onFrame: () => {},
  });
  const published = await fillBuffers(running);
  const closes = await running.logged("socket.close", 2);
  assertEquals(closes.map(({ user, code }) => `${user} ${code}`).sort(), ["publisher 1006", "slow 1013"]);
  const connection = await proxy.connection(1);
  assertLess(connection.bytes("toClient"), published / 2);
  assert(!connection.isOver && !slow.frames.length, "the client has not heard of it yet");
});

Deno.test("a client that does not read can be cut, and the proxy stopped, while bytes wait for it", async () => {
  await using running = await startServer({ env: FAST });
  await using proxy = FaultProxy.start(running.port);
  const [asleep] = await TcpMember.join(await roomUrl(behind(proxy, running), "room", { user: "asleep" }));
  await using sleeper = asleep;
  sleeper.pause();
  await fillBuffers(running);
  const connection = await proxy.connection(1);
  connection.cut("fin");
  await connection.until("cut");
  await proxy[Symbol.asyncDispose]();
});
