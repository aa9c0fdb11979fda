/** docs/protocol.md, section 16: what operators do with a secret key. */
import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { roomEndpoint } from "../../packages/server/src/http/rooms/room_endpoint.ts";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { EventReader } from "../support/event_reader.ts";
import { operate, OPERATOR_KEY, startWithOperator } from "../support/operator.ts";
import { RoomClient } from "../support/room_client.ts";
import { changedBackplane, changeRoomServices, roomDepsOf } from "../support/room_services.ts";
import { createApp } from "../support/running_server.ts";
import { SharedClient } from "../support/shared_client.ts";

const message = (id: string, data: unknown = id) => ({ id, event: "chat", data });
const TO_BOB = { user: "bob" };

/** A body for each path of an operator; undefined for GET. */
const USES: readonly (readonly [path: string, body: unknown, status: number])[] = [
  ["/rooms", undefined, 200],
  ["/rooms/r/messages", [message("m")], 200],
  ["/rooms/r/kick", TO_BOB, 202],
  ["/disconnect", TO_BOB, 202],
];

for (const [path, body, status] of USES) {
  Deno.test(`16.1 ${path} needs a secret key in a header, and each use is logged without it`, async () => {
    await using running = await startWithOperator();
    const ask = (headers: Record<string, string>, query = "") =>
      operate(running, path + query, body === undefined ? { headers } : { headers, body });
    const authorization = `Bearer ${await running.issuer.token("alice")}`;
    assertEquals((await ask({ authorization })).body.code, "forbidden");
    assertEquals((await ask({})).body.code, "missing_token");
    assertEquals((await ask({ apikey: "sb_secret_unknown" })).body.code, "invalid_token");
    assertEquals((await ask({}, `?token=${OPERATOR_KEY}`)).status, 401);
    assertEquals(running.logs.filter(({ event }) => event === "operator.acted"), []);
    assertEquals((await ask({ apikey: OPERATOR_KEY })).status, status);
    const answer = await ask({ authorization: `Bearer ${OPERATOR_KEY}` });
    assertEquals(answer.status, status);
    assert(answer.headers.get("ratelimit-policy")?.startsWith('"secret-key"'));
    const logged = await running.logged("operator.acted", 2);
    assertEquals(logged.map((line) => line["request_id"]).at(1), answer.headers.get("x-request-id"));
    assert(!JSON.stringify(running.logs).includes(OPERATOR_KEY));
  });
}

Deno.test("16.2 the rooms with members in the isolate are listed by name, page by page", async () => {
  await using running = await startWithOperator({
    app: () => createApp().route("/tables", roomEndpoint({ authenticate, name: "tables" })),
  });
  assertEquals((await operate(running, "/rooms")).body, { rooms: [], next: null });
  await using _c = await RoomClient.join(running, "c");
  await using b = await RoomClient.join(running, "b");
  await using _again = await RoomClient.join(running, "b", { user: "bob" });
  await using _table = await RoomClient.join(running, "7", { mount: "/tables" });
  await b.publish("x");
  const { at } = await b.next("message");
  const rooms = [
    { room: "rooms/b", members: 2, offset: 1, last_at: at },
    { room: "rooms/c", members: 1, offset: 0, last_at: null },
    { room: "tables/7", members: 1, offset: 0, last_at: null },
  ];
  assertEquals((await operate(running, "/rooms")).body, { rooms, next: null });
  const first = await operate(running, "/rooms?limit=2");
  assertEquals(first.body, { rooms: rooms.slice(0, 2), next: "rooms/c" });
  // A room that comes in between does not move the others.
  await using _a = await RoomClient.join(running, "a");
  const second = await operate(running, `/rooms?limit=2&cursor=${encodeURIComponent(first.body.next)}`);
  assertEquals(second.body, { rooms: rooms.slice(2), next: null });
  for (const [query, field] of [["limit=0", "limit"], ["limit=501", "limit"], ["cursor=", "cursor"]]) {
    const { status, body } = await operate(running, `/rooms?${query}`);
    assertEquals([status, body.code, body.field], [400, "invalid_request", `query.${field}`]);
  }
});

Deno.test("16.3 an array publishes several messages, with one result for each, in order", async () => {
  await using running = await startWithOperator({
    app: () =>
      createApp().route(
        "/x",
        roomEndpoint({ authenticate, name: "x", events: { chat: z.object({ text: z.string() }) } }),
      ),
  });
  await using alice = await RoomClient.join(running, "r");
  const messages = [
    message("a"),
    { ...message("b"), data: undefined },
    { ...message("c"), ephemeral: true },
    7,
    message("d"),
    message("a"),
    { ...message("e"), to: TO_BOB },
    message("f", "x".repeat(70_000)),
  ];
  const { status, body } = await operate(running, "/rooms/r/messages", { body: messages });
  assertEquals(status, 200);
  assertEquals(body.results, [
    { id: "a", offset: 1 },
    { id: "b", error: { code: "invalid_request", message: "data: is missing", field: "data" } },
    { id: "c" },
    { error: { code: "invalid_request", message: "must be a JSON object" } },
    { id: "d", offset: 2 },
    { id: "a", offset: 1 },
    {
      id: "e",
      error: { code: "invalid_request", message: "to: goes with ephemeral messages only", field: "to" },
    },
    { id: "f", error: { code: "too_large", message: "A message may have 65536 bytes as JSON." } },
  ]);
  const received = (await alice.takeAll()).flatMap((frame) => frame.type === "message" ? [frame] : []);
  assertEquals(received.map(({ id }) => id), ["a", "c", "d"]);
  assertEquals(received.map(({ from }) => from), Array(3).fill({ user: "service_role" }));
  const typed = await operate(running, "/x/r/messages", {
    body: [message("a", { text: 1 }), message("b", { text: "t" }), { ...message("c"), event: "other" }],
  });
  assertEquals(typed.body.results.map((one: { error?: { field: string } }) => one.error?.field), [
    "data.text",
    undefined,
    "event",
  ]);
});

Deno.test("16.3 a batch is one call of the backplane, and 100 messages at most", async () => {
  await using running = await startWithOperator();
  const { backplane } = roomDepsOf(running.engine);
  const calls: number[] = [];
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      publish: (room, drafts) => {
        calls.push(drafts.length);
        return backplane.publish(room, drafts);
      },
    }),
  });
  const batch = (count: number) => Array.from({ length: count }, (_, index) => message(`m${index}`));
  const full = await operate(running, "/rooms/r/messages", { body: batch(100) });
  assertEquals(full.body.results.at(-1), { id: "m99", offset: 100 });
  assertEquals(calls, [100]);
  assertEquals((await operate(running, "/rooms/r/messages", { body: [] })).body, { results: [] });
  const more = await operate(running, "/rooms/r/messages", { body: batch(101) });
  assertEquals([more.status, more.body.code, more.body.field], [400, "invalid_request", "json"]);
  const large = await operate(running, "/rooms/r/messages", {
    body: batch(20).map((one) => ({ ...one, data: "x".repeat(60_000) })),
  });
  assertEquals([large.status, large.body.code], [413, "too_large"]);
  const single = await operate(running, "/rooms/r/messages", { body: message("s", "x".repeat(70_000)) });
  assertEquals([single.status, single.body.code], [413, "too_large"]);
  assertEquals(calls, [100]);
});

Deno.test("16.3 while the store is away a batch is refused as a whole, and may be repeated", async () => {
  await using running = await startWithOperator();
  const { backplane } = roomDepsOf(running.engine);
  const publish = () => Promise.reject(new BackplaneUnavailable("away"));
  changeRoomServices(running, { backplane: changedBackplane(backplane, { publish }) });
  const body = [message("a"), message("b")];
  const refused = await operate(running, "/rooms/r/messages", { body });
  assertEquals([refused.status, refused.body.code], [503, "unavailable"]);
  changeRoomServices(running, { backplane });
  assertEquals((await operate(running, "/rooms/r/messages", { body })).body.results, [
    { id: "a", offset: 1 },
    { id: "b", offset: 2 },
  ]);
});

Deno.test("16.3 a user's array is forbidden", async () => {
  await using running = await startWithOperator();
  const headers = { authorization: `Bearer ${await running.issuer.token("alice")}` };
  const { status, body } = await operate(running, "/rooms/r/messages", { headers, body: [message("a")] });
  assertEquals([status, body.code], [403, "forbidden"]);
});

Deno.test("16.4 who is kicked gets forbidden with the reason and 4403, and may come back", async () => {
  await using running = await startWithOperator();
  await using alice = await RoomClient.join(running, "r");
  const bob = await RoomClient.join(running, "r", { user: "bob" });
  await using elsewhere = await RoomClient.join(running, "other", { user: "bob" });
  await bob.present({});
  const answer = await operate(running, "/rooms/r/kick", { body: { user: "bob", reason: "No spam." } });
  assertEquals([answer.status, answer.body], [202, {}]);
  const { code, message: text, id } = await bob.next("error");
  assertEquals([code, text, id], ["forbidden", "No spam.", undefined]);
  assertEquals(await bob.closed(), { code: 4403, reason: "No spam." });
  const changes = [await alice.next("presence"), await alice.next("presence"), await alice.next("presence")];
  assertEquals(changes.at(-1)?.left?.[0]?.user, "bob");
  await elsewhere.takeAll();
  await using back = await RoomClient.join(running, "r", { user: "bob" });
  await using second = await RoomClient.join(running, "r", { user: "bob" });
  const { connection } = back;
  assertEquals((await operate(running, "/rooms/r/kick", { body: { connection } })).status, 202);
  assertEquals((await back.closed()).code, 4403);
  await second.takeAll();
  const [kick] = await running.logged("operator.acted");
  assertEquals([kick?.["action"], kick?.["room"], kick?.["user"]], ["kick", "rooms/r", "bob"]);
});

Deno.test("16.4 each endpoint of rooms has its own kick, and event streams end too", async () => {
  await using running = await startWithOperator({
    app: () => createApp().route("/tables", roomEndpoint({ authenticate, name: "tables" })),
  });
  await using room = await RoomClient.join(running, "r", { user: "carol" });
  await using table = await RoomClient.join(running, "r", { user: "carol", mount: "/tables" });
  await using stream = await EventReader.open(running);
  await stream.next();
  await operate(running, "/tables/r/kick", { body: { user: "carol" } });
  assertEquals((await table.closed()).code, 4403);
  await room.takeAll();
  await operate(running, "/rooms/r/kick", { body: { user: "carol" } });
  let last = await stream.next();
  while (last.event !== "close") last = await stream.next();
  assertEquals(last.data["code"], 4403);
  assertEquals((await room.closed()).code, 4403);
});

Deno.test("16.4 on a socket for many rooms a kick ends the membership only", async () => {
  await using running = await startWithOperator();
  await using bob = await SharedClient.connect(running, { user: "bob" });
  await bob.join("r");
  await bob.join("other");
  const body = { user: "bob", reason: "No spam." };
  assertEquals((await operate(running, "/rooms/r/kick", { body })).status, 202);
  const { code, message: text, ended } = await bob.next("error", "rooms/r");
  assertEquals([code, text, ended], ["forbidden", "No spam.", true]);
  await bob.publish("other", "still here");
  await operate(running, "/disconnect", { body });
  assertEquals(await bob.closed(), { code: 4403, reason: "No spam." });
});

Deno.test("16.4 a wrong body of a kick is refused with its field, and an unknown user is accepted", async () => {
  await using running = await startWithOperator();
  const wrong: [body: unknown, field: string][] = [
    [{}, "user"],
    [{ ...TO_BOB, connection: "c" }, "connection"],
    [{ user: "" }, "user"],
    [{ user: 7 }, "user"],
    [{ user: ["bob"] }, "user"],
    [{ user: "x".repeat(257) }, "user"],
    [{ connection: null }, "connection"],
    [{ ...TO_BOB, reason: 7 }, "reason"],
    [{ ...TO_BOB, reason: "x".repeat(201) }, "reason"],
  ];
  for (const [body, field] of wrong) {
    const { status, body: problem } = await operate(running, "/rooms/r/kick", { body });
    assertEquals([status, problem.code, problem.field], [400, "invalid_request", `json.${field}`]);
  }
  for (const body of [null, [], "bob"]) {
    assertEquals(
      (await operate(running, "/rooms/r/kick", { body })).body.field,
      "json",
      JSON.stringify(body),
    );
  }
  assertEquals((await operate(running, "/rooms/a%20b/kick", { body: TO_BOB })).body.field, "param.id");
  assertEquals((await operate(running, "/rooms/r/kick", { body: "x".repeat(70_000) })).status, 413);
  assertEquals((await operate(running, "/rooms/r/kick", { body: { user: "nobody" } })).status, 202);
});

Deno.test("16.5 a disconnect closes every socket and event stream of the user with 4403", async () => {
  await using running = await startWithOperator();
  await using stream = await EventReader.open(running);
  await stream.next();
  await using room = await RoomClient.join(running, "r", { user: "carol" });
  await using echo = await SocketClient.open(await running.socketUrl("/echo", "carol"));
  await using alice = await SocketClient.open(await running.socketUrl("/echo"));
  const answer = await operate(running, "/disconnect", { body: { user: "carol", reason: "Bye." } });
  assertEquals([answer.status, answer.body], [202, {}]);
  assertEquals(await room.closed(), { code: 4403, reason: "Bye." });
  assertEquals(await echo.closed(), { code: 4403, reason: "Bye." });
  let last = await stream.next();
  while (last.event !== "close") last = await stream.next();
  assertEquals(last.data, { code: 4403, reason: "Bye." });
  alice.send("x");
  assertEquals(await alice.next(), "Echo: x");
  const { status, body } = await operate(running, "/disconnect", { body: { connection: "c" } });
  assertEquals([status, body.field], [400, "json.user"]);
});

Deno.test("16.6 a command that cannot be stored is unavailable, and this isolate has applied it", async () => {
  await using running = await startWithOperator();
  const { backplane } = roomDepsOf(running.engine);
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await backplane.close();
  const { status, body } = await operate(running, "/rooms/r/kick", { body: TO_BOB });
  assertEquals([status, body.code], [503, "unavailable"]);
  assertEquals((await bob.closed()).code, 4403);
});
