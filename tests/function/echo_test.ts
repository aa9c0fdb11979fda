import { assertEquals } from "@std/assert";
import { startServer } from "../support/running_server.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

Deno.test("echo answers text with the prefix `Echo: `", async () => {
  await using running = await startServer();
  await using client = await SocketClient.open(await running.socketUrl("/echo"));
  client.send("x");
  assertEquals(await client.next(), "Echo: x");
});

Deno.test("echo answers a binary frame with the same bytes", async () => {
  await using running = await startServer();
  await using client = await SocketClient.open(await running.socketUrl("/echo"));
  client.send(new Uint8Array([0, 255, 7]).buffer);
  assertEquals(new Uint8Array(await client.next() as ArrayBuffer), new Uint8Array([0, 255, 7]));
});
