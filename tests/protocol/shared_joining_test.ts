/** docs/protocol.md, rules 17.1 to 17.6. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { findToken } from "../../packages/server/src/http/find_token.ts";
import { endpoint } from "../../packages/server/src/http/endpoint.ts";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { RequestProblem } from "../../packages/server/src/http/middleware/problem.ts";
import { provideUser, verifyUser, withUser } from "../../packages/server/src/http/middleware/provide_user.ts";
import { upgradeWebSocket } from "../../packages/server/src/http/middleware/upgrade.ts";
import { roomEndpoint } from "../../packages/server/src/http/rooms/room_endpoint.ts";
import { type Authorize, EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { RoomClient } from "../support/room_client.ts";
import {
  backplaneOf,
  changedBackplane,
  changeRoomServices,
  storeMessages,
} from "../support/room_services.ts";
import { createApp, startServer } from "../support/running_server.ts";
import { SharedClient } from "../support/shared_client.ts";
import { KINDS } from "./kinds.ts";
import { range } from "./member_frames.ts";

for (const { kind, plain } of KINDS) {
  Deno.test(`17.1 a join is answered with welcome, the replay and presence: ${kind}`, async () => {
    await using running = await startServer();
    const epoch = await storeMessages(running, "r", 5);
    await using alice = await SharedClient.connect(running, { plain });
    const welcome = await alice.join("r", { id: "j", history: 2 });
    assertEquals(welcome.id, "j");
    assertEquals([welcome.room, welcome.epoch, welcome.offset], ["rooms/r", epoch, 5]);
    const frames = (await alice.takeAll()).map((frame) =>
      frame.type === "message" ? [frame.room, frame.offset] : frame
    );
    assertEquals(frames, [["rooms/r", 4], ["rooms/r", 5], {
      room: "rooms/r",
      type: "presence",
      members: [],
    }]);
  });

  Deno.test(`17.1 a join resumes after an offset, and takes over the presence of its connection: ${kind}`, async () => {
    await using running = await startServer();
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    await using first = await SharedClient.connect(running, { plain });
    const { epoch, connection } = await first.join("r");
    await first.ask({ type: "presence", room: "r", state: { here: 1 } });
    await bob.publish(1);
    await first.next("message");
    first.close(4000);
    await first.closed();
    await bob.publish(2);
    await using second = await SharedClient.connect(running, { plain });
    const welcome = await second.join("r", { after: 1, epoch, connection });
    assertEquals([welcome.recovered, welcome.offset], [true, 2]);
    assertEquals((await second.next("message")).offset, 2);
    await second.ask({ type: "presence", room: "r", state: { here: 2 } });
    const changes = (await bob.takeAll()).flatMap((frame) => frame.type === "presence" ? frame : []);
    assertEquals(changes.flatMap(({ left = [] }) => left), []);
    assertEquals(changes.at(-1)?.updated?.[0]?.connection, welcome.connection);
  });
}

Deno.test("17.1 a start that does not fit together is invalid_frame naming the field", async () => {
  await using running = await startServer();
  await using alice = await SharedClient.connect(running);
  const wrong = [
    [{ after: 1 }, "epoch"],
    [{ epoch: "e" }, "after"],
    [{ connection: "c" }, "connection"],
    [{ after: 1, epoch: "e", history: 1 }, "history"],
    [{ history: 501 }, "history"],
    [{ after: -1, epoch: "e" }, "after"],
  ] as const;
  for (const [fields, field] of wrong) {
    const error = await alice.refusedJoin("r", fields);
    assertEquals([error.code, error.field, error.room], ["invalid_frame", field, "rooms/r"]);
  }
});

Deno.test("17.2 an id alone means a room of /rooms, and other text is invalid_frame", async () => {
  await using running = await startServer();
  await using alice = await SharedClient.connect(running);
  assertEquals((await alice.join("a")).room, "rooms/a");
  assertEquals((await alice.refusedJoin("rooms/a")).code, "invalid_frame");
  assertEquals((await alice.publish("rooms/a", 1)).room, "rooms/a");
  for (
    const room of [
      "",
      "/",
      "rooms/",
      "/a",
      "a/b/c",
      "..",
      ".",
      "rooms/..",
      "../x",
      "a?b",
      "a#b",
      "a b",
      "%2e",
      5,
    ]
  ) {
    const { code, field } = await alice.ask({ type: "join", room }) as { code?: string; field?: string };
    assertEquals([room, code, field], [room, "invalid_frame", "room"]);
  }
});

Deno.test("17.3 middleware, policy and schema of the room's address decide about a join", async () => {
  const strict = withUser(async (c, next) => {
    if (c.var.user.id !== "admin") throw new RequestProblem("forbidden", { detail: "Admins only." });
    await next();
  });
  const authorize: Authorize = (_user, room) => ({ ...EVERYTHING, join: room !== "closed", history: false });
  const byHeader = provideUser(async (c) => {
    const token = findToken(c, ["header"]);
    if (!token) throw new RequestProblem("missing_token");
    return await verifyUser(c, token);
  });
  await using running = await startServer({
    app: () =>
      createApp()
        .route(
          "/strict",
          endpoint().use("/:id", authenticate, strict).route("/", roomEndpoint({ authenticate })),
        )
        .route("/policy", roomEndpoint({ authenticate, name: "policy", authorize }))
        .route("/header", roomEndpoint({ authenticate: byHeader, name: "header" }))
        .route(
          "/limited",
          endpoint().use("/:id", async (c) => await Promise.resolve(c.text("wait", 429))).route(
            "/",
            roomEndpoint({ authenticate }),
          ),
        )
        .route("/own", endpoint().get("/:id", authenticate, upgradeWebSocket(() => ({})))),
  });
  await using alice = await SharedClient.connect(running);
  const strictError = await alice.refusedJoin("strict/a");
  assertEquals([strictError.code, strictError.message, strictError.ended], [
    "forbidden",
    "Admins only.",
    true,
  ]);
  assertEquals((await alice.refusedJoin("policy/closed")).code, "forbidden");
  const history = await alice.refusedJoin("policy/open", { history: 1 });
  assertEquals([history.code, history.field], ["forbidden", "history"]);
  assertEquals((await alice.refusedJoin("header/a")).code, "missing_token");
  assertEquals((await alice.refusedJoin("limited/a")).code, "rate_limited");
  for (const room of ["own/a", "nothing/a", "health/ready", "socket/a", "metrics/x"]) {
    assertEquals([room, (await alice.refusedJoin(room)).code], [room, "not_found"]);
  }
  assertEquals((await alice.join("policy/open")).room, "policy/open");
  await using admin = await SharedClient.connect(running, { user: "admin" });
  assertEquals((await admin.join("strict/a")).user, "admin");
});

Deno.test("17.3 a join counts the newest token's user, and does not verify again", async () => {
  const seen: unknown[] = [];
  const authorize: Authorize = (user) => {
    seen.push(user.appMetadata["step"]);
    return EVERYTHING;
  };
  await using running = await startServer({ deps: { authorize } });
  const token = (step: number) => running.issuer.token("alice", { claims: { app_metadata: { step } } });
  await using alice = await SharedClient.connect(running, { token: await token(1) });
  await alice.join("a");
  // Whoever holds the verifier's keys could not say what is good any more.
  Object.assign(running.engine.deps, {
    verifier: { verify: () => Promise.reject(new Error("must not be asked")) },
  });
  await alice.join("b");
  assertEquals((await alice.ask({ type: "auth", token: await token(2) })).type, "authenticated");
  await alice.join("c");
  assertEquals(seen, [1, 1, 2, 2, 2]);
});

Deno.test("17.4 rooms keep their order, connections and presence apart", async () => {
  await using running = await startServer();
  await using alice = await SharedClient.connect(running);
  const [one, two] = [await alice.join("one"), await alice.join("two")];
  assertNotEquals(one.connection, two.connection);
  await alice.ask({ type: "presence", room: "one", state: { in: "one" } });
  for (let round = 1; round <= 10; round++) {
    await alice.publish("one", round);
    await alice.publish("rooms/two", round * 10);
  }
  const frames = await alice.takeAll();
  for (const [room, { connection }, factor] of [["one", one, 1], ["two", two, 10]] as const) {
    const messages = frames.flatMap((frame) =>
      frame.type === "message" && frame.room === `rooms/${room}` ? frame : []
    );
    assertEquals(messages.map(({ offset }) => offset), range(1, 10));
    assertEquals(messages.map(({ data }) => data), range(1, 10).map((round) => round * factor));
    assert(messages.every(({ from }) => from.connection === connection));
  }
  const presence = frames.flatMap((frame) => frame.type === "presence" ? frame : []);
  assertEquals(presence.flatMap(({ room, joined = [] }) => joined.map(({ state }) => [room, state])), [
    ["rooms/one", { in: "one" }],
  ]);
});

Deno.test("17.4 a member of a shared socket and of a socket of its own meet in one room", async () => {
  await using running = await startServer();
  await using alice = await SharedClient.connect(running);
  const { connection } = await alice.join("r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await alice.publish("r", "hello");
  const message = await bob.next("message");
  assertEquals([message.room, message.from], [undefined, { user: "alice", connection }]);
  await bob.publish("to you", { ephemeral: true, to: { connection } });
  assertEquals((await alice.next("message", "rooms/r")).data, "hello");
  assertEquals((await alice.next("message", "rooms/r")).data, "to you");
  const page = await alice.ask({ type: "history", room: "r", after: 0, limit: 10 });
  assert(page.type === "history");
  assertEquals([page.room, page.messages.length], ["rooms/r", 1]);
});

Deno.test("17.5 a frame for a room that is not joined is not_joined, and a second join invalid_frame", async () => {
  await using running = await startServer();
  await using alice = await SharedClient.connect(running);
  for (
    const frame of [{ type: "publish", event: "e", data: 1 }, { type: "leave" }, {
      type: "presence",
      state: {},
    }]
  ) {
    const answer = await alice.ask({ ...frame, room: "r" });
    assert(answer.type === "error");
    assertEquals([answer.code, answer.room, answer.ended], ["not_joined", "rooms/r", undefined]);
  }
  const missing = await alice.ask({ type: "publish", event: "e", data: 1 });
  assert(missing.type === "error");
  assertEquals([missing.code, missing.field], ["invalid_frame", "room"]);
  alice.send([{ type: "join", id: "j1", room: "r" }, { type: "join", id: "j2", room: "rooms/r" }]);
  const second = await alice.answer("j2");
  assert(second.type === "error");
  assertEquals([second.code, second.field, second.ended], ["invalid_frame", "room", undefined]);
  assertEquals((await alice.next("welcome")).room, "rooms/r");
  await alice.publish("r", "still joined");
});

Deno.test("17.6 frames behind a join wait for it, and other rooms do not", async () => {
  await using running = await startServer();
  const backplane = backplaneOf(running);
  const gate = Promise.withResolvers<void>();
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async subscribe(room, deliver) {
        if (room.endsWith("/slow")) await gate.promise;
        return await backplane.subscribe(room, deliver);
      },
    }),
  });
  await using alice = await SharedClient.connect(running);
  alice.send([
    { type: "join", id: "j1", room: "slow" },
    ...range(1, 5).map((data) => ({ type: "publish", id: `p${data}`, room: "slow", event: "e", data })),
    { type: "join", id: "j2", room: "quick" },
  ]);
  assertEquals((await alice.next("welcome")).room, "rooms/quick");
  assertEquals((await alice.publish("quick", 1)).offset, 1);
  gate.resolve();
  assertEquals((await alice.next("welcome")).room, "rooms/slow");
  for (const data of range(1, 5)) assertEquals((await alice.next("message", "rooms/slow")).data, data);
});

Deno.test("17.6 too many frames that wait are rate_limited", async () => {
  const env = { MAX_QUEUED_FRAMES: "4", FRAMES_BURST: "4", FRAMES_PER_SECOND: "1000000" };
  await using running = await startServer({ env });
  const backplane = backplaneOf(running);
  const gate = Promise.withResolvers<void>();
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async subscribe(room, deliver) {
        await gate.promise;
        return await backplane.subscribe(room, deliver);
      },
    }),
  });
  await using alice = await SharedClient.connect(running);
  alice.send({ type: "join", id: "j1", room: "slow" });
  for (const data of range(1, 5)) {
    // The rate of 10.1 admits further frames once its clock has moved.
    while ((await alice.ask({ type: "ping" })).type !== "pong");
    alice.send({ type: "publish", id: `p${data}`, room: "slow", event: "e", data });
  }
  const refused = await alice.answer("p5");
  assert(refused.type === "error");
  assertEquals([refused.code, refused.room], ["rate_limited", "rooms/slow"]);
  assert(refused.message.includes("wait for this room"), refused.message);
  gate.resolve();
  for (const data of range(1, 4)) assertEquals((await alice.next("message")).data, data);
});
