/** Rooms whose code is not loaded yet: who comes first waits for it, and loses nothing. */
import { assertEquals } from "@std/assert";
import { startService } from "./support/running_service.ts";
import { SocketClient } from "./support/socket_client.ts";

Deno.test("before anybody came there are no rooms, and none is full", async () => {
  await using running = await startService();
  const { rooms } = running.service.services;
  assertEquals(rooms.count(), { rooms: 0, members: 0 });
  assertEquals(rooms.refusal("rooms/r"), undefined);
});

Deno.test("those who come first, all at once, are members, and what they send at once is answered", async () => {
  await using running = await startService();
  const users = ["alice", "bob", "carol"];
  const clients = await Promise.all(users.map(async (user) => {
    const client = await SocketClient.open(await running.socketUrl("/rooms/r", user));
    client.send(JSON.stringify({ type: "publish", id: user, event: "chat", data: user }));
    return client;
  }));
  for (const client of clients) {
    const types: unknown[] = [];
    while (!types.includes("ack")) types.push(JSON.parse(String(await client.next())).type);
    assertEquals(types[0], "welcome");
  }
  assertEquals(running.service.services.rooms.count(), { rooms: 1, members: 3 });
  for (const client of clients) await client[Symbol.asyncDispose]();
});

Deno.test("the code is loaded once, whoever asks", async () => {
  await using running = await startService();
  await Promise.all([running.service.warmUp(), running.service.warmUp()]);
  await using client = await SocketClient.open(await running.socketUrl("/rooms/r"));
  assertEquals(JSON.parse(String(await client.next())).type, "welcome");
});
