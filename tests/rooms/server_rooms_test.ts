/** Rooms for code of the function: `c.var.rooms` (docs/rooms.md, "Server code"). */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { endpoint } from "../../packages/server/src/http/endpoint.ts";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { secretKey } from "../../packages/server/src/http/middleware/secret_key.ts";
import { upgradeWebSocket } from "../../packages/server/src/http/middleware/upgrade.ts";
import type { ServerRooms } from "../../packages/server/src/rooms/server_code/server_rooms.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { RoomClient } from "../support/room_client.ts";
import { createApp, type RunningServer, startServer } from "../support/running_server.ts";

const SECRET_KEY = "sb_secret_for_tests";

/** Serves `POST /do`, which runs `code` with the rooms, and a socket at `/do` that publishes. */
async function startWith(
  code: (rooms: ServerRooms) => unknown = () => undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const routes = endpoint()
    .post("/", secretKey, async (c) => c.json({ result: await code(c.var.rooms) ?? null }))
    .get(
      "/",
      authenticate,
      upgradeWebSocket((c) => ({
        async onMessage(socket, data) {
          socket.sendJson({ offset: await c.var.rooms.room("lobby").publish("echo", data) });
        },
      })),
    );
  return await startServer({
    env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }), ...env },
    app: () => createApp().route("/do", routes),
  });
}

async function run({ origin }: RunningServer): Promise<Response> {
  return await fetch(`${origin}/realtime/do`, { method: "POST", headers: { apikey: SECRET_KEY } });
}

Deno.test("a route publishes as the project or as a user, and the same id is the same message", async () => {
  await using running = await startWith(async (rooms) => {
    const room = rooms.room("rooms/lobby");
    return [
      await room.publish("sale", { item: 7 }),
      await room.publish("sale", { item: 8 }, { id: "job-1", as: "carol" }),
      await rooms.room("lobby").publish("sale", { item: 8 }, { id: "job-1", as: "carol" }),
    ];
  });
  await using alice = await RoomClient.join(running, "lobby");
  assertEquals(await (await run(running)).json(), { result: [1, 2, 2] });
  const [first, second] = [await alice.next("message"), await alice.next("message")];
  assertEquals([first.data, first.from], [{ item: 7 }, { user: "service_role" }]);
  assertEquals([second.id, second.from, second.offset], ["job-1", { user: "carol" }, 2]);
});

Deno.test("a route sends an ephemeral message to everybody, or to one user", async () => {
  await using running = await startWith(async (rooms) => {
    await rooms.room("lobby").emit("ping", 1, { to: { user: "bob" } });
    await rooms.room("lobby").emit("ping", 2);
  });
  await using alice = await RoomClient.join(running, "lobby");
  await using bob = await RoomClient.join(running, "lobby", { user: "bob" });
  assertEquals((await (await run(running)).json()).result, null);
  assertEquals([(await bob.next("message")).data, (await bob.next("message")).data], [1, 2]);
  const message = await alice.next("message");
  assertEquals([message.data, message.offset], [2, undefined]);
});

Deno.test("of a route's ephemeral messages with one key that wait, the newest is sent", async () => {
  await using running = await startWith(async (rooms) => {
    const room = rooms.room("lobby");
    for (const price of [1, 2, 3]) await room.emit("price", price, { key: "gold" });
    await room.emit("price", 4);
  }, { EPHEMERAL_TICK_MS: "300" });
  await using alice = await RoomClient.join(running, "lobby");
  await alice.publish("opens the tick", { ephemeral: true });
  await alice.next("message");
  await run(running).then((response) => response.body?.cancel());
  assertEquals([(await alice.next("message")).data, (await alice.next("message")).data], [3, 4]);
});

Deno.test("a route reads history and presence", async () => {
  await using running = await startWith(async (rooms) => {
    const room = rooms.room("lobby");
    const offsets = async (...page: Parameters<typeof room.history>) => {
      const { messages, more } = await room.history(...page);
      return [messages.map(({ offset }) => offset), more];
    };
    return [
      await offsets(),
      await offsets({ after: 1, limit: 1 }),
      await offsets({ before: 3, limit: 1 }),
      (await room.presence()).map(({ user, state }) => [user, state]),
    ];
  });
  await using alice = await RoomClient.join(running, "lobby");
  for (const text of ["a", "b", "c"]) await alice.publish(text);
  await alice.present({ typing: true });
  assertEquals((await (await run(running)).json()).result, [
    [[1, 2, 3], false],
    [[2], true],
    [[2], true],
    [["alice", { typing: true }]],
  ]);
});

Deno.test("a route kicks a connection, and disconnects a user everywhere", async () => {
  await using running = await startWith((rooms) => rooms.disconnect({ user: "bob" }, "over"));
  await using alice = await RoomClient.join(running, "lobby");
  await using other = await RoomClient.join(running, "lobby");
  await running.engine.deps.serverRooms.room("lobby").kick({ connection: alice.connection }, "spam");
  assertEquals((await alice.closed()).code, 4403);
  await using bob = await RoomClient.join(running, "elsewhere", { user: "bob" });
  await using socket = await SocketClient.open(await running.socketUrl("/do", "bob"));
  assertEquals((await (await run(running)).json()).result, null);
  assertEquals([(await bob.closed()).code, (await socket.closed()).code], [4403, 4403]);
  assertEquals((await other.publish("still here")).offset, 1);
});

Deno.test("a socket's own endpoint publishes into a room", async () => {
  await using running = await startWith();
  await using alice = await RoomClient.join(running, "lobby");
  await using socket = await SocketClient.open(await running.socketUrl("/do"));
  socket.send("hello");
  assertEquals(JSON.parse(String(await socket.next())), { offset: 1 });
  assertEquals((await alice.next("message")).data, "hello");
});

Deno.test("a wrong argument is a TypeError that names it, and nothing is published", async () => {
  await using running = await startWith(undefined, { MAX_FRAME_BYTES: "100" });
  const rooms = running.engine.deps.serverRooms;
  for (const name of ["", "a/b/c", "/lobby", "rooms/", "rooms/a b", "é", "rooms/" + "x".repeat(129)]) {
    assertThrows(() => rooms.room(name), TypeError, "room: ");
  }
  // deno-lint-ignore no-explicit-any
  assertThrows(() => rooms.room(5 as any), TypeError, "room: ");
  const room = rooms.room("lobby");
  assertEquals([room.name, room.id], ["rooms/lobby", "lobby"]);
  let deep: unknown = 1;
  for (let level = 0; level < 65; level++) deep = [deep];
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const wrong: readonly [string, () => Promise<unknown>][] = [
    ["event: ", () => room.publish("", 1)],
    ["event: ", () => room.emit("x".repeat(65), 1)],
    ["id: ", () => room.publish("e", 1, { id: "" })],
    ["key: ", () => room.emit("e", 1, { key: "" })],
    ["key: ", () => room.emit("e", 1, { key: "x".repeat(65) })],
    ["as: ", () => room.publish("e", 1, { as: "" })],
    ["data: ", () => room.publish("e", undefined)],
    ["data: ", () => room.publish("e", () => 1)],
    ["data: ", () => room.publish("e", 1n)],
    ["data: ", () => room.publish("e", deep)],
    ["data: ", () => room.publish("e", cycle)],
    ["data: may have 100 bytes", () => room.publish("e", "x".repeat(99))],
    ["to: ", () => room.emit("e", 1, { to: {} as { user: string } })],
    ["to.user: ", () => room.emit("e", 1, { to: { user: "" } })],
    ["target: ", () => room.kick({} as { user: string })],
    ["target.connection: ", () => room.kick({ connection: "" })],
    ["reason: ", () => room.kick({ user: "bob" }, "x".repeat(201))],
    ["target.user: ", () => rooms.disconnect({ user: "" })],
    ["limit: ", () => room.history({ limit: 501 })],
    ["after: ", () => room.history({ after: -1 })],
    ["before: ", () => room.history({ before: 1.5 })],
  ];
  for (const [field, call] of wrong) await assertRejects(call, TypeError, field);
  assertEquals((await room.history()).messages, []);
  assertEquals(await room.publish("e", "x".repeat(98)), 1);
});

Deno.test("a fault of server code is answered with 500, and its text stays in the log", async () => {
  await using running = await startWith((rooms) => rooms.room("lobby").publish("", "secret data"));
  const response = await run(running);
  const { code, detail } = await response.json();
  assertEquals([response.status, code], [500, "internal"]);
  assert(!detail.includes("event"));
  const [line] = await running.logged("request.failed");
  assert(JSON.stringify(line).includes("event: must be text"));
  assert(!JSON.stringify(line).includes("secret data"));
});
