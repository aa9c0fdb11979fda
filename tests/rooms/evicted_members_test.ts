/** Members and connections that a kick or a disconnect ends. */
import { assert, assertEquals } from "@std/assert";
import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import { Evictions } from "../../packages/server/src/rooms/eviction/evictions.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { backplaneOf, changedBackplane, changeRoomServices, roomDepsOf } from "../support/room_services.ts";
import { SharedClient } from "../support/shared_client.ts";
import { EventReader } from "../support/event_reader.ts";
import { RoomClient, roomUrl } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";
import { KINDS } from "../protocol/kinds.ts";

function evictionsOf({ engine }: RunningServer): Evictions {
  return new Evictions({
    ...roomDepsOf(engine),
    // Tests replace the rooms.
    rooms: engine.deps.rooms,
    connections: engine.connections,
    random: Math.random,
  });
}

function changeRooms(running: RunningServer, changes: Partial<Backplane>): void {
  changeRoomServices(running, { backplane: changedBackplane(backplaneOf(running), changes) });
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

for (const isShared of [false, true]) {
  const socket = isShared ? "a socket for many rooms" : "a socket of its own";
  Deno.test(`a kick during a resume leaves no presence behind: ${socket}`, async () => {
    await using running = await startServer();
    const inner = backplaneOf(running);
    const resuming = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    changeRooms(running, {
      async resume(room, connection) {
        resuming.resolve();
        await gate.promise;
        await inner.resume(room, connection);
      },
    });
    const [lost, { connection, epoch }] = await TcpMember.join(
      await roomUrl(running, "r", { user: "bob" }),
      {},
    );
    await using _lost = lost;
    await lost.request({ type: "presence", id: "enter", state: {} });
    lost.abort();
    await running.logged("socket.close");
    const resume = { after: 0, epoch, connection };
    await using shared = isShared ? await SharedClient.connect(running, { user: "bob" }) : undefined;
    shared?.send({ type: "join", id: "j", room: "r", ...resume });
    await using own = isShared
      ? undefined
      : await RoomClient.connect(running, "r", { user: "bob", query: resume });
    await resuming.promise;
    await evictionsOf(running).kick("rooms/r", { user: "bob" });
    gate.resolve();
    if (shared) assertEquals((await shared.answer("j")).type, "error");
    assertEquals((await own?.closed())?.code, isShared ? undefined : 4403);
    assertEquals(await eventually(() => inner.present("rooms/r"), (present) => present.length === 0), []);
  });
}

Deno.test("a kick on a socket for many rooms ends that room only, and a disconnect the socket", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await using bob = await SharedClient.connect(running, { user: "bob" });
  const { connection } = await bob.join("r");
  await bob.join("other");
  await bob.ask({ type: "presence", room: "r", state: {} });
  await evictionsOf(running).kick("rooms/r", { connection }, "No spam.");
  const { code, message, room, ended } = await bob.next("error");
  assertEquals([code, message, room, ended], ["forbidden", "No spam.", "rooms/r", true]);
  let left = (await alice.next("presence")).left;
  while (!left) left = (await alice.next("presence")).left;
  assertEquals(left[0]?.connection, connection);
  await bob.publish("other", "still here");
  await bob.join("r");
  await evictionsOf(running).kick("rooms/r", { user: "bob" });
  assertEquals((await bob.next("error", "rooms/r")).code, "forbidden");
  await bob.publish("other", "still here");
  await evictionsOf(running).disconnect({ user: "bob" }, "Bye.");
  assertEquals(await bob.closed(), { code: 4403, reason: "Bye." });
});

Deno.test("a kick during a join to a socket for many rooms is the answer to the join", async () => {
  await using running = await startServer();
  const inner = backplaneOf(running);
  const joining = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  changeRooms(running, {
    async subscribe(room, deliver) {
      joining.resolve();
      await gate.promise;
      return await inner.subscribe(room, deliver);
    },
  });
  await using bob = await SharedClient.connect(running, { user: "bob" });
  bob.send({ type: "join", id: "j", room: "r" });
  await joining.promise;
  await evictionsOf(running).kick("rooms/r", { user: "bob" });
  const answer = await bob.answer("j");
  assert(answer.type === "error");
  assertEquals([answer.code, answer.room, answer.ended], ["forbidden", "rooms/r", true]);
  gate.resolve();
  await bob.join("r");
});
