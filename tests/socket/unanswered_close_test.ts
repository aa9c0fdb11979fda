/** Sockets whose peers do not answer our close. */
import { assertEquals, assertGreater } from "@std/assert";
import { deadline } from "@std/async";
import { eventually } from "../../tools/support/eventually.ts";
import { PATIENCE_MS, SocketClient } from "../../tools/support/wire/socket_client.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";
import { ServerSocket } from "../../packages/server/src/socket/server_socket.ts";
import type { Socket, SocketClose } from "../../packages/server/src/socket/socket.ts";
import { roomUrl } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { startSocketEndpoint } from "../support/socket_endpoint.ts";

Deno.test("a socket that was closed keeps no messages for a handler that never ends", async () => {
  const opened = Promise.withResolvers<Socket>();
  const handler = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<SocketClose>();
  const handled: unknown[] = [];
  await using running = await startSocketEndpoint({
    onOpen: (socket) => opened.resolve(socket),
    onMessage: (_socket, data) => (handled.push(data), handler.promise),
    onClose: (_socket, close) => closed.resolve(close),
  });
  const client = await SocketClient.open(await running.socketUrl("/x"));
  client.send("first");
  for (let count = 0; count < 10; count++) client.send("x".repeat(50_000));
  const socket = await opened.promise;
  if (!(socket instanceof ServerSocket)) throw new Error("The endpoint has another kind of socket.");
  await eventually(() => Promise.resolve(socket.received), (received) => received === 11);
  assertGreater(socket.pendingBytes, 400_000);
  socket.close(1000, "enough");
  assertEquals(socket.pendingBytes, 0);
  await client.closed();
  handler.resolve();
  assertEquals(await deadline(closed.promise, PATIENCE_MS), { code: 1000, reason: "enough" });
  assertEquals(handled, ["first"]);
});

Deno.test("a peer that vanishes after our close counts until its connection breaks, and no longer", async () => {
  await using running = await startServer({ env: { HEARTBEAT_MS: "200" } });
  const [silent] = await TcpMember.join(await roomUrl(running, "room"));
  await using peer = silent;
  peer.pause();
  assertEquals((await running.logged("socket.close")).map(({ code }) => code), [4408]);
  assertEquals(running.engine.connections.count, 1, "its connection is still there");
  peer.abort();
  await eventually(() => Promise.resolve(running.engine.connections.count), (count) => count === 0);
});
