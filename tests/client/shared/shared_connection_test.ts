/** Many rooms on one socket: each as on a socket of its own, and one of everything else. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createConnection, RoomError } from "../../../packages/client/mod.ts";
import { createScene, messagesOf, statesOf } from "./shared_scene.ts";

Deno.test("rooms share a socket and a token, and each gets its own messages", async () => {
  const { connection, server, tokens } = createScene();
  const lobby = connection.room("lobby");
  const table = connection.room("tables/7", { history: 5 });
  const [inLobby, atTable] = [messagesOf(lobby), messagesOf(table)];
  await server.settle();
  assertEquals([lobby.state.type, table.state.type], ["live", "live"]);
  const [socket] = server.sockets;
  assertEquals(socket?.url, "wss://host/functions/v1/realtime/socket");
  assertEquals(socket?.protocols, ["realtime.v1", "jwt-token-1"]);
  assertEquals([server.sockets.length, socket?.messages, tokens], [1, 1, [false]]);
  assertEquals(lobby.url, "https://host/functions/v1/realtime/rooms/lobby");
  server.publish("rooms/lobby", "a", "in the lobby");
  server.publish("tables/7", "b", "at the table");
  await server.settle();
  assertEquals([inLobby.length, atTable.length], [1, 1]);
  assertEquals(inLobby[0], {
    offset: 1,
    event: "chat",
    data: "in the lobby",
    from: { user: "bob" },
    id: "a",
    at: 0,
  });
  assertEquals(await settled(server, table.publish("chat", "mine")), 2);
  assertEquals(server.violations, []);
});

async function settled<T>(server: { settle(): Promise<void> }, promise: Promise<T>): Promise<T> {
  await server.settle();
  return await promise;
}

Deno.test("after a cut all rooms join again with their positions, and miss nothing", async () => {
  const { connection, server, tokens, pass } = createScene();
  const rooms = ["a", "b"].map((name) => connection.room(name));
  const received = rooms.map(messagesOf);
  await server.settle();
  const connections = rooms.map(({ state }) => state.type === "live" && state.connection);
  server.publish("rooms/a", "1", "before");
  await server.settle();
  server.cut();
  server.publish("rooms/a", "2", "meanwhile");
  server.publish("rooms/b", "3", "meanwhile");
  await pass(1_000);
  assertEquals(received.map((messages) => messages.map(({ data }) => data)), [["before", "meanwhile"], [
    "meanwhile",
  ]]);
  const joins = server.sockets[1]?.received ?? [];
  assertEquals(
    joins.map(({ id: _, ...join }): unknown => join),
    ["a", "b"].map((name, index) => ({
      type: "join",
      room: `rooms/${name}`,
      after: index === 0 ? 1 : 0,
      epoch: `epoch of rooms/${name}`,
      connection: connections[index],
    })),
  );
  assertEquals([server.sockets.length, tokens], [2, [false, false]]);
  assert(rooms.every(({ state }) => state.type === "live" && state.recovered === true));
});

Deno.test("a refusal closes only its room, with the server's reason, and a later open tries again", async () => {
  const { connection, server } = createScene();
  server.refusals.set("rooms/secret", [{ code: "forbidden" }]);
  const [lobby, secret] = [connection.room("lobby"), connection.room("secret")];
  const states = statesOf(secret);
  await server.settle();
  assertEquals([lobby.state.type, states], ["live", ["connecting", "closed (forbidden)"]]);
  secret.open();
  await server.settle();
  assertEquals([secret.state.type, server.sockets.length], ["live", 1]);
  assertEquals(server.violations, []);
});

Deno.test("a refusal that may pass is tried again after the server's wait, and later each time", async () => {
  const { connection, server, pass } = createScene();
  const full = { code: "room_full", retryAfterMs: 2_000 } as const;
  server.refusals.set("rooms/full", [full, full]);
  const [lobby, full1] = [connection.room("lobby"), connection.room("full")];
  const states = statesOf(full1);
  await pass(2_200);
  assertEquals(states, ["connecting", "waiting (room_full)"]);
  await pass(200);
  assertEquals(states.length, 4);
  await pass(2_300);
  assertEquals(states.length, 4);
  await pass(200);
  assertEquals(states, [
    "connecting",
    "waiting (room_full)",
    "connecting",
    "waiting (room_full)",
    "connecting",
    "live",
  ]);
  assertEquals([lobby.state.type, server.sockets.length], ["live", 1]);
});

Deno.test("a refused room keeps its wait over a reconnect", async () => {
  const { connection, server, pass } = createScene();
  server.refusals.set("rooms/full", [{ code: "room_full", retryAfterMs: 60_000 }]);
  const [lobby, full] = [connection.room("lobby"), connection.room("full")];
  await server.settle();
  lobby.reconnect();
  await pass(1_000);
  assertEquals([lobby.state.type, full.state.type], ["live", "waiting"]);
  await pass(60_000);
  assertEquals(full.state.type, "live");
});

Deno.test("a membership that the server ends: for good, or until it is joined again", async () => {
  const { connection, server, pass } = createScene();
  const [lobby, kicked, moved] = [
    connection.room("lobby"),
    connection.room("kicked"),
    connection.room("moved"),
  ];
  const errors: string[] = [];
  kicked.on("error", ({ code }) => errors.push(code));
  await server.settle();
  const late = moved.publish("chat", "sent as the membership ended");
  server.end("rooms/kicked", { code: "forbidden" });
  server.end("rooms/moved", { code: "unavailable", retryAfterMs: 100 });
  await server.settle();
  assertEquals([kicked.state.type, moved.state.type, errors], ["closed", "waiting", ["forbidden"]]);
  await pass(1_000);
  assertEquals([lobby.state.type, moved.state.type, server.sockets.length], ["live", "live", 1]);
  assertEquals(await late, 1);
});

Deno.test("a room that closes leaves; a frame on its way tells nothing more; it opens again where it was", async () => {
  const { connection, server } = createScene();
  const [lobby, room] = [connection.room("lobby"), connection.room("a")];
  const received = messagesOf(room);
  await server.settle();
  server.publish("rooms/a", "1", "before");
  await server.settle();
  const closing = room.close();
  server.publish("rooms/a", "2", "on its way");
  room.open();
  await server.settle();
  await closing;
  assertEquals(received.map(({ data }) => data), ["before", "on its way"]);
  assertEquals(server.frames.map(({ type }) => type), ["join", "join", "leave", "join"]);
  assertEquals([lobby.state.type, room.state.type, server.violations], ["live", "live", []]);
});

Deno.test("the socket closes with 1000 five seconds after the last room, and a room before that keeps it", async () => {
  const { connection, server, clock, pass } = createScene();
  const first = connection.room("a");
  await server.settle();
  void first.close();
  await pass(4_900);
  const second = connection.room("b");
  await pass(6_000);
  assertEquals([second.state.type, server.open.length], ["live", 1]);
  void second.close();
  await pass(4_900);
  assertEquals(server.open.length, 1);
  await pass(100);
  assertEquals([server.open.length, server.sockets.length, clock.waiting], [0, 1, 0]);
  first.open();
  await server.settle();
  assertEquals([first.state.type, server.sockets.length], ["live", 2]);
});

Deno.test("the connection closes its rooms, without a leave for each, and opens again with the next room", async () => {
  const { connection, server, clock } = createScene();
  const [one, other, unused] = [connection.room("a"), connection.room("b"), connection.createRoom("c")];
  await server.settle();
  const said = assertRejects(() => one.publish("chat", "the last words"), RoomError);
  const closing = connection.close();
  for (const { state } of [one, other, unused]) {
    assert(state.type === "closed" && state.reason.code === "closed");
  }
  await server.settle();
  await closing;
  assertEquals((await said).code, "closed");
  assertEquals([server.open.length, clock.waiting], [0, 0]);
  assertEquals(server.frames.filter(({ type }) => type === "leave"), []);
  one.open();
  await server.settle();
  assertEquals([one.state.type, other.state.type], ["live", "closed"]);
});

Deno.test("a name has one room at a time: the same object while open, and another one after its close", async () => {
  const { connection, server } = createScene();
  const idle = connection.createRoom("lobby");
  assertEquals([idle.state.type, server.sockets.length], ["idle", 0]);
  assert(connection.room("rooms/lobby") === idle);
  await server.settle();
  assert(connection.room("lobby") === idle);
  const closing = idle.close();
  const next = connection.room("lobby");
  assert(next !== idle);
  await server.settle();
  await closing;
  idle.open();
  await server.settle();
  assert(idle.state.type === "closed");
  assertEquals(
    idle.state.reason.message,
    "rooms/lobby is open already: use the room that connection.room() returned.",
  );
  assertEquals([next.state.type, server.violations], ["live", []]);
});

Deno.test("requests of all rooms share messages and the server's rate; the first burst is small", async () => {
  const { connection, server, pass } = createScene();
  const rooms = Array.from({ length: 20 }, (_, index) => connection.room(`r${index}`));
  await server.settle();
  const [socket] = server.sockets;
  assert(rooms.every(({ state }) => state.type === "live"));
  // Nine before the first `welcome` names the limits, then the others.
  assertEquals(socket?.messages, 2);
  const published = rooms.map((room) => room.publish("chat", "hello"));
  await server.settle();
  await Promise.all(published);
  assertEquals(socket?.messages, 3);
  server.limits = { ...server.limits, frames_per_second: 10, frames_burst: 10 };
  server.cut();
  await pass(1_000);
  assert(server.open[0]?.received.length === 20);
});

Deno.test("one room requests the fresh token for all, in a frame without a room", async () => {
  const { connection, server, tokens } = createScene();
  const [lobby] = [connection.room("lobby"), connection.room("a")];
  const sent: unknown[] = [];
  lobby.on("frame", ({ frame }) => frame.type === "auth" && sent.push(frame));
  await server.settle();
  server.open[0]?.reply({ type: "expiring", expires_at: 1 });
  await server.settle();
  const auths = server.frames.filter(({ type }) => type === "auth");
  assertEquals(auths.map(({ id: _, ...auth }) => auth), [{ type: "auth", token: "token-2" }]);
  await settled(server, lobby.refreshToken());
  assertEquals(tokens, [false, true, true]);
});

Deno.test("one ping for all rooms, as often as the server wants it", async () => {
  const { connection, server, pass } = createScene();
  server.heartbeatMs = 1_000;
  connection.room("a");
  connection.room("b");
  await server.settle();
  for (let second = 0; second < 10; second++) {
    await pass(900);
    server.open[0]?.reply({ type: "pong" });
    await pass(100);
  }
  const pings = server.frames.filter(({ type }) => type === "ping").length;
  assert(pings >= 9 && pings <= 11, `${pings} pings`);
});

Deno.test("a join without an answer waits while the server is there, and reconnects when it is not", async () => {
  const { connection, server, pass } = createScene();
  const lobby = connection.room("lobby");
  await server.settle();
  server.ignoresJoins = true;
  const slow = connection.room("slow");
  const states = statesOf(slow);
  await pass(20_000);
  assertEquals([lobby.state.type, states, server.sockets.length], ["live", ["connecting"], 1]);
  assertEquals(server.frames.filter(({ type }) => type === "ping").length, 1);
  lobby.reconnect();
  await pass(100);
  // The new socket is silent.
  server.isSilent = true;
  await pass(14_000);
  server.isSilent = server.ignoresJoins = false;
  await pass(1_000);
  assertEquals(states, ["connecting", "connecting", "waiting (silent)", "connecting", "live"]);
  assertEquals([lobby.state.type, slow.state.type, server.sockets.length], ["live", "live", 3]);
});

Deno.test("a gap in a room makes the socket resume from before it", async () => {
  const { connection, server, pass } = createScene();
  const [lobby, holed] = [connection.room("lobby"), connection.room("a")];
  const [states, received] = [statesOf(lobby), messagesOf(holed)];
  await server.settle();
  server.room("rooms/a").messages.push({
    offset: 1,
    event: "chat",
    data: "left out",
    from: { user: "bob" },
    id: "1",
    at: 0,
  });
  server.publish("rooms/a", "2", "after it");
  await pass(1_000);
  assertEquals(received.map(({ data }) => data), ["left out", "after it"]);
  assertEquals(states, ["connecting", "live", "waiting (hole)", "connecting", "live"]);
  assertEquals([server.sockets.length, server.violations], [2, []]);
});

Deno.test("the end of the socket is that of all rooms: for a while, or for good", async () => {
  const { connection, server, pass } = createScene();
  const rooms = [connection.room("a"), connection.room("b")];
  const states = rooms.map(statesOf);
  await server.settle();
  server.open[0]?.reply({ type: "draining", reason: "wall_clock", reconnect_after_ms: 300 });
  await server.settle();
  server.cut(1012);
  await pass(1_000);
  server.cut(4403);
  await server.settle();
  const expected = ["connecting", "live", "waiting (draining)", "connecting", "live", "closed (forbidden)"];
  assertEquals(states, [expected, expected]);
  rooms[0]?.open();
  await server.settle();
  assertEquals(rooms.map(({ state }) => state.type), ["live", "closed"]);
});

Deno.test("without a token all rooms close with signed_out", async () => {
  const { connection, server } = createScene({ token: () => null });
  const rooms = [connection.room("a"), connection.room("b")];
  await server.settle();
  assertEquals(
    rooms.map(({ state }) => state.type === "closed" && state.reason.code),
    ["signed_out", "signed_out"],
  );
  assertEquals(server.sockets.length, 0);
});

Deno.test("a wrong name, address or option is refused by name", () => {
  const { connection } = createScene();
  for (const name of ["", "/lobby", "a/b/c", "lobby?x=1", "https://host/realtime/rooms/a", "a b"]) {
    assertThrows(
      () => connection.room(name),
      TypeError,
      `Not a room's name, such as lobby or tables/7: ${name}`,
    );
  }
  for (const address of ["", "/realtime", "ftp://host/realtime", "https://host/realtime?x=1", "https://"]) {
    assertThrows(
      () => createConnection(address, { token: () => "t" }),
      TypeError,
      "Not a function's address",
    );
  }
  assertThrows(() => connection.room("lobby", { history: -1 }), TypeError, "history");
  const token = "no function" as unknown as () => string;
  assertThrows(
    () => createConnection("https://host/realtime", { token }),
    TypeError,
    "token must be a function.",
  );
  assertEquals(createConnection("wss://host/realtime/", { token: () => "t" }).url, "https://host/realtime");
});

Deno.test("a server that has forgotten a membership is joined again, and the message is stored once", async () => {
  const { connection, server, pass } = createScene();
  const room = connection.room("a");
  await server.settle();
  server.open[0]?.joined.delete("rooms/a");
  const published = room.publish("chat", "hello");
  await pass(1_000);
  assertEquals([await published, server.sockets.length], [1, 1]);
});
