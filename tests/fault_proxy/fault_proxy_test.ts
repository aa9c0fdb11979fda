import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { deadline } from "@std/async";
import { SeededRandom } from "../../tools/support/seeded_random.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";
import { behind } from "../support/behind_fault_proxy.ts";
import { FaultProxy } from "../support/fault_proxy/fault_proxy.ts";
import { afterBytes, before, lostAck, within } from "../support/fault_proxy/faults.ts";
import { closeFrame, OPCODE, requestHead } from "../../tools/support/wire/raw_socket.ts";
import { publishFrame, RoomClient, roomUrl } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { PATIENCE_MS, SocketClient } from "../../tools/support/wire/socket_client.ts";

/** Sends a handshake and reads until the connection ends. */
async function readToEnd(url: string): Promise<{ readonly bytes: number; readonly isReset: boolean }> {
  const { port, pathname, search } = new URL(url);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  await connection.write(requestHead(pathname + search));
  const chunk = new Uint8Array(1_024);
  for (let bytes = 0;;) {
    try {
      const read = await deadline(connection.read(chunk), PATIENCE_MS);
      if (read === null) return { bytes, isReset: false };
      bytes += read;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      return { bytes, isReset: true };
    }
  }
}

function randomBytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = new SeededRandom(seed);
  return Uint8Array.from({ length }, () => random.below(256));
}

Deno.test("frames of all sizes come through as they are, in both directions, and plain requests too", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  await using client = await SocketClient.open(proxy.url(await running.socketUrl("/echo")));
  const sizes = [0, 1, 125, 126, 65_535, 65_536];
  for (const size of sizes) {
    const bytes = randomBytes(size, size);
    client.send(bytes.buffer);
    assertEquals(new Uint8Array(await client.next() as ArrayBuffer), bytes);
  }
  const token = await running.issuer.token("alice");
  const response = await fetch(proxy.url(`/realtime/whoami?token=${token}`));
  assertEquals((await response.json()).id, "alice");
  assertEquals(proxy.requests, ["GET /realtime/echo?token=***", "GET /realtime/whoami?token=***"]);
  const connection = await proxy.connection(1);
  await connection.until("messageToClient", sizes.length);
  assertEquals(connection.count("messageToServer"), sizes.length);
  assertGreater(connection.bytes("toClient"), 2 * 65_536);
});

for (const cutWay of ["reset", "fin"] as const) {
  Deno.test(`a connection is cut after so many bytes, with a ${cutWay}, and the server notices`, async () => {
    await using running = await startServer();
    await using proxy = FaultProxy.start(running.port);
    const bytes = [0, 1, 100, 300];
    proxy.next(...bytes.map((count) => ({ cut: afterBytes("toClient", count), cutWay })));
    for (const count of bytes) {
      const isReset = cutWay === "reset" && proxy.canReset;
      assertEquals(await readToEnd(await roomUrl(behind(proxy, running), "room")), { bytes: count, isReset });
    }
    assertEquals(proxy.count("cut"), bytes.length);
    const closes = await running.logged("socket.close", bytes.length);
    assertEquals(closes.map(({ code }) => code), [1006, 1006, 1006, 1006]);
  });
}

Deno.test("a cut within the request keeps the server from ever seeing it; the next connection is clean", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ cut: afterBytes("toServer", 50) });
  const room = behind(proxy, running);
  await assertRejects(() => RoomClient.join(room, "room"), Error, "before it was open");
  await using member = await RoomClient.join(room, "room");
  assertEquals(member.welcome.user, "alice");
  assertEquals(proxy.connections.map((connection) => connection.count("cut")), [1, 0]);
  assertEquals(running.logs.filter(({ event }) => event === "socket.open").length, 1);
});

Deno.test("a cut in the middle of a frame leaves the client without it, and without a close frame", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ cut: within("toClient", { type: "welcome" }, 20) }, { cut: before("toClient", 2) });
  const url = await roomUrl(behind(proxy, running), "room");
  await using half = await TcpMember.open(url);
  assertEquals(await half.ended, 1006);
  assertEquals(half.frames, []);
  await using whole = await TcpMember.open(url);
  assertEquals(await whole.ended, 1006);
  assertEquals(whole.frames.map(({ type }) => type), ["welcome"]);
  await proxy.until("cut", 2);
  assertEquals(proxy.count("messageToClient"), 1);
});

Deno.test("a platform's client reports a cut like any broken connection", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ cut: within("toClient", { type: "pong" }, 3) });
  await using member = await RoomClient.join(behind(proxy, running), "room");
  member.send({ type: "ping", id: "1" });
  // Other platforms report 1006; Deno's client reports no code.
  assertEquals((await member.closed()).code, 0);
});

Deno.test("a close frame can be kept from a client", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ cut: before("toClient", { opcode: OPCODE.close }) });
  await using member = await TcpMember.open(await roomUrl(behind(proxy, running), "room"));
  await member.until(({ type }) => type === "presence", "presence");
  const { opcode, payload } = closeFrame(1000);
  await member.sendFrame(opcode, payload);
  assertEquals(await member.ended, 1006);
  const [close] = await running.logged("socket.close");
  assertEquals(close?.["code"], 1000);
});

Deno.test("a lost ack: the message is stored and others receive it, and a retry gets the same offset", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  await using observer = await RoomClient.join(running, "room", { user: "bob" });
  proxy.next({ cut: lostAck("mine") });
  const url = await roomUrl(behind(proxy, running), "room");
  const [member] = await TcpMember.join(url);
  await using publisher = member;
  // The acks may come in one array or several.
  await publisher.send([publishFrame(1, { id: "other" }), publishFrame(2, { id: "mine" })]);
  assertEquals(await publisher.ended, 1006);
  assertEquals(publisher.frames.filter((frame) => frame.type === "ack" && frame.id === "mine"), []);
  assertEquals(await observer.offsets(2), [1, 2]);
  await using again = await RoomClient.join(behind(proxy, running), "room");
  assertEquals((await again.publish(2, { id: "mine" })).offset, 2);
});

Deno.test("a refused connection is closed at once, and the network comes back", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  const room = behind(proxy, running);
  proxy.refuse();
  await assertRejects(() => RoomClient.join(room, "room"), Error, "before it was open");
  proxy.allow();
  proxy.next({ refuse: true });
  await assertRejects(() => RoomClient.join(room, "room"), Error, "before it was open");
  await using member = await RoomClient.join(room, "room");
  await member.publish("here");
  assertEquals(proxy.count("refused"), 2);
});

Deno.test("a server that is gone is unreachable, and may be back on another port", async () => {
  await using running = await startServer();
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using proxy = FaultProxy.start(gone.addr.port);
  gone.close();
  const room = behind(proxy, running);
  await assertRejects(() => RoomClient.join(room, "room"), Error, "before it was open");
  assertEquals(proxy.count("unreachable"), 1);
  proxy.serverPort = running.port;
  await using member = await RoomClient.join(room, "room");
  await member.publish("here");
});

Deno.test("cutting all ends every connection, and those that come later are clean", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  const url = await roomUrl(behind(proxy, running), "room");
  await using one = await TcpMember.open(url);
  await using other = await TcpMember.open(url);
  proxy.cutAll();
  assertEquals([await one.ended, await other.ended], [1006, 1006]);
  assertEquals(proxy.count("cut"), 2);
  await using member = await RoomClient.join(behind(proxy, running), "room");
  await member.publish("here");
});

Deno.test("faults count from the upgrade request on, also when the connection was used before", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ cut: afterBytes("toServer", 10) });
  const token = await running.issuer.token("alice");
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  const chunk = new Uint8Array(4_096);
  for (const path of ["health", "whoami"]) {
    const head = `GET /realtime/${path}?token=${token} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    await connection.write(new TextEncoder().encode(head));
    assertGreater(await deadline(connection.read(chunk), PATIENCE_MS) ?? 0, 0);
  }
  const plain = proxy.requests.length;
  await connection.write(requestHead(`/realtime/rooms/room?token=${token}`));
  const { bytes, sent } = await proxy.connection(1).then(async (one) => {
    await one.until("cut");
    return { bytes: one.bytes("toServer"), sent: one.target };
  });
  assertEquals([plain, sent], [2, "/realtime/rooms/room?token=***"]);
  assertGreater(bytes, 10);
  assertEquals(running.logs.filter(({ event }) => event === "socket.open"), []);
});

Deno.test("a request of Server-Sent Events can be cut as well, and whoami is still answered", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  const headers = { authorization: `Bearer ${await running.issuer.token("alice")}` };
  proxy.nextHttp({ cut: afterBytes("toClient", 40) });
  await assertRejects(() => fetch(proxy.url("/realtime/rooms/room/events"), { headers }), TypeError);
  const response = await fetch(proxy.url("/realtime/whoami"), { headers });
  assertEquals((await response.json()).id, "alice");
});

Deno.test("what a test throws on a message ends the connection and comes out when the proxy stops", async () => {
  await using running = await startServer();
  const onMessage = (): never => {
    throw new Error("an expected failure");
  };
  const proxy = FaultProxy.start(running.port, { onMessage });
  await readToEnd(await roomUrl(behind(proxy, running), "room"));
  await assertRejects(async () => await proxy[Symbol.asyncDispose](), AggregateError, "failed");
});

Deno.test("a missing event is reported with the counted events", async () => {
  await using running = await startServer();
  await using proxy = FaultProxy.start(running.port);
  await fetch(proxy.url("/realtime/health")).then((response) => response.body?.cancel());
  await assertRejects(() => proxy.until("cut", 2, 20), Error, "Waited for 2 cut; there is only: 1 request");
});
