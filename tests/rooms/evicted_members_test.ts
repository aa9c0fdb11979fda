/** Members and connections that a kick or a disconnect ends. */
import { assertEquals } from "@std/assert";
import { EventReader } from "../support/event_reader.ts";
import { RoomClient, roomUrl } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";
import { KINDS } from "../protocol/kinds.ts";

function evictionsOf(running: RunningServer) {
  return running.engine.deps.evictions;
}

for (const { kind, plain } of KINDS) {
  Deno.test(`${kind} who is kicked gets forbidden with the reason, and its presence leaves at once`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r");
    const bob = await RoomClient.join(running, "r", { user: "bob", plain });
    await using elsewhere = await RoomClient.join(running, "other", { user: "bob" });
    await bob.present({ is: "here" });
    assertEquals((await alice.next("presence")).members, []);
    assertEquals((await alice.next("presence")).joined?.[0]?.user, "bob");
    await evictionsOf(running).kick("rooms/r", { user: "bob" }, "No spam.");
    const { code, message, id } = await bob.next("error");
    assertEquals([code, message, id], ["forbidden", "No spam.", undefined]);
    assertEquals(await bob.closed(), { code: 4403, reason: "No spam." });
    assertEquals((await alice.next("presence")).left?.[0]?.user, "bob");
    await elsewhere.takeAll();
    await using back = await RoomClient.join(running, "r", { user: "bob", plain });
    await back.publish("back");
  });
}

Deno.test("a kick of a connection spares the user's other connections", async () => {
  await using running = await startServer();
  await using one = await RoomClient.join(running, "r");
  await using other = await RoomClient.join(running, "r");
  await evictionsOf(running).kick("rooms/r", { connection: one.connection });
  assertEquals((await one.closed()).code, 4403);
  await other.takeAll();
  for (const target of [{ user: "nobody" }, { connection: "none" }]) {
    await evictionsOf(running).kick("rooms/r", target);
    await evictionsOf(running).kick("rooms/empty", target);
  }
  await other.takeAll();
});

Deno.test("a disconnect closes every socket and event stream of the user, at every endpoint", async () => {
  await using running = await startServer();
  await using stream = await EventReader.open(running);
  await stream.next();
  await using room = await RoomClient.join(running, "r", { user: "carol" });
  await using echo = await SocketClient.open(await running.socketUrl("/echo", "carol"));
  await using alice = await SocketClient.open(await running.socketUrl("/echo", "alice"));
  await evictionsOf(running).disconnect({ user: "carol" }, "Account closed.");
  assertEquals(await room.closed(), { code: 4403, reason: "Account closed." });
  assertEquals(await echo.closed(), { code: 4403, reason: "Account closed." });
  let last = await stream.next();
  while (last.event !== "close") last = await stream.next();
  assertEquals(last.data, { code: 4403, reason: "Account closed." });
  alice.send("still here");
  assertEquals(await alice.next(), "Echo: still here");
});

Deno.test("the presence of who is kicked and answers no close leaves before its connection ends", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const [silent] = await TcpMember.join(await roomUrl(running, "r", { user: "bob" }), {});
  await using _silent = silent;
  await silent.request({ type: "presence", id: "enter", state: {} });
  silent.pause();
  assertEquals((await alice.next("presence")).members, []);
  assertEquals((await alice.next("presence")).joined?.[0]?.user, "bob");
  await evictionsOf(running).kick("rooms/r", { user: "bob" });
  assertEquals((await alice.next("presence")).left?.[0]?.user, "bob");
  assertEquals(running.logs.filter(({ event }) => event === "socket.close"), []);
  silent.abort();
});
