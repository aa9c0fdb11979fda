/** Lazy rooms: the first members wait until the code is loaded, and lose no frame. */
import { assertEquals } from "@std/assert";
import { startServer } from "../support/running_server.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

Deno.test("before the first join there are no rooms, and none is full", async () => {
  await using running = await startServer();
  const { rooms } = running.engine.deps;
  assertEquals(rooms.count(), { rooms: 0, members: 0 });
  assertEquals(rooms.refusal("rooms/r"), undefined);
});

Deno.test("the first concurrent joins become members, and their first frames are answered", async () => {
  await using running = await startServer();
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
  assertEquals(running.engine.deps.rooms.count(), { rooms: 1, members: 3 });
  for (const client of clients) await client[Symbol.asyncDispose]();
});

Deno.test("the code is loaded once", async () => {
  await using running = await startServer();
  await Promise.all([running.engine.warmUp(), running.engine.warmUp()]);
  await using client = await SocketClient.open(await running.socketUrl("/rooms/r"));
  assertEquals(JSON.parse(String(await client.next())).type, "welcome");
});
