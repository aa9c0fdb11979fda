/** docs/protocol.md, rules 17.9 to 17.11. */
import { assert, assertEquals } from "@std/assert";
import { type Authorize, EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { connect } from "../support/handshake.ts";
import { assertProblem } from "../support/problem.ts";
import { freshId, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { SharedClient } from "../support/shared_client.ts";
import { KINDS } from "./kinds.ts";
import { range } from "./member_frames.ts";

/** Short heartbeat: deadlines are checked at a tenth of it. */
const QUICK = { HEARTBEAT_MS: "1000" };

for (const { kind, plain } of KINDS) {
  Deno.test(`17.9 heartbeats, expiring and draining come once for the socket: ${kind}`, async () => {
    await using running = await startServer({ env: QUICK });
    const exp = Math.floor(Date.now() / 1000) + 40;
    const token = await running.issuer.token("alice", { claims: { exp } });
    await using alice = await SharedClient.connect(running, { plain, token });
    for (const room of ["a", "b", "c"]) await alice.join(room);
    const timer = setInterval(() => plain || alice.send({ type: "ping", id: freshId() }), 500);
    for (let count = 0; count < 2; count++) await alice.next("pong");
    clearInterval(timer);
    const drained = running.engine.connections.drain("wall_clock", 0);
    assertEquals((await alice.next("draining")).reason, "wall_clock");
    assertEquals((await alice.closed()).code, 1012);
    await drained;
    assertEquals((await alice.next("expiring")).expires_at, exp);
    await alice[Symbol.asyncDispose]();
    assertEquals(
      alice.rest.map(({ type }) => type).filter((type) => type === "expiring" || type === "draining"),
      [],
    );
  });
}

Deno.test("17.9 a silent realtime.v1 client is closed with 4408, also without a room", async () => {
  await using running = await startServer({ env: QUICK });
  await using alice = await SharedClient.connect(running);
  assertEquals((await alice.closed()).code, 4408);
});

Deno.test("17.9 the socket ends with its token", async () => {
  await using running = await startServer({ env: { ...QUICK, EXPIRY_GRACE_SECONDS: "0" } });
  const token = await running.issuer.token("alice", { claims: { exp: Math.floor(Date.now() / 1000) + 2 } });
  await using alice = await SharedClient.connect(running, { token, plain: true });
  await alice.join("a");
  assertEquals((await alice.closed()).code, 4401);
});

Deno.test("17.9 auth gives every room its permissions; a lost room has an error of its own", async () => {
  const authorize: Authorize = ({ appMetadata }, room) => {
    if (appMetadata["step"] === "broken" && room === "a") throw new Error("broken");
    if (appMetadata["step"] !== "less") return EVERYTHING;
    return { join: room !== "lost", publish: room !== "read", presence: room !== "read", history: true };
  };
  await using running = await startServer({ deps: { authorize } });
  const token = (step: string, user = "alice") =>
    running.issuer.token(user, { claims: { app_metadata: { step } } });
  await using bob = await RoomClient.join(running, "read", { user: "bob" });
  await using alice = await SharedClient.connect(running, { token: await token("more") });
  for (const room of ["a", "lost", "read"]) await alice.join(room);
  await alice.ask({ type: "presence", room: "read", state: {} });

  const broken = await alice.ask({ type: "auth", token: await token("broken") });
  assertEquals(broken.type === "error" && broken.code, "internal");
  const others = await alice.ask({ type: "auth", token: await token("more", "mallory") });
  assertEquals(others.type === "error" && [others.code, others.field], ["forbidden", "token"]);
  await alice.publish("lost", "nothing has changed");

  assertEquals((await alice.ask({ type: "auth", token: await token("less") })).type, "authenticated");
  const lost = await alice.next("error");
  assertEquals([lost.room, lost.code, lost.ended, lost.id], ["rooms/lost", "forbidden", true, undefined]);
  const read = await alice.ask({ type: "publish", room: "read", event: "e", data: 1 });
  assertEquals(read.type === "error" && [read.code, read.ended], ["forbidden", undefined]);
  assertEquals((await bob.next("presence")).members, []);
  assertEquals((await bob.next("presence")).joined?.[0]?.user, "alice");
  assertEquals((await bob.next("presence")).left?.[0]?.user, "alice");
  await alice.publish("a", "still open");
});

Deno.test("17.9 a room that is joined during an auth has the permissions of the fresh token", async () => {
  const gate = Promise.withResolvers<void>();
  const authorize: Authorize = async ({ appMetadata }, room) => {
    if (appMetadata["step"] === 2 && room === "a") await gate.promise;
    return { ...EVERYTHING, publish: appMetadata["step"] === 2 };
  };
  await using running = await startServer({ deps: { authorize } });
  const backplane = backplaneOf(running);
  const opened = Promise.withResolvers<void>();
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async subscribe(room, deliver) {
        if (room.endsWith("/b")) await opened.promise;
        return await backplane.subscribe(room, deliver);
      },
    }),
  });
  const token = (step: number) => running.issuer.token("alice", { claims: { app_metadata: { step } } });
  await using alice = await SharedClient.connect(running, { token: await token(1) });
  await alice.join("a");
  alice.send([{ type: "join", id: "j", room: "b" }, { type: "auth", id: "t", token: await token(2) }]);
  opened.resolve();
  assertEquals((await alice.next("welcome")).room, "rooms/b");
  gate.resolve();
  assertEquals((await alice.answer("t")).type, "authenticated");
  await alice.publish("b", 1);
});

Deno.test("17.10 a join above max_rooms is too_many_rooms, joins under way counted", async () => {
  await using running = await startServer({ env: { MAX_ROOMS_PER_SOCKET: "3" } });
  await using alice = await SharedClient.connect(running);
  alice.send(range(1, 4).map((n) => ({ type: "join", id: `j${n}`, room: `r${n}` })));
  const refused = await alice.answer("j4");
  assert(refused.type === "error");
  assertEquals([refused.code, refused.room, refused.ended], ["too_many_rooms", "rooms/r4", true]);
  for (let count = 0; count < 3; count++) assertEquals((await alice.next("welcome")).limits["max_rooms"], 3);
  await alice.leave("r1");
  await alice.join("r4");
});

Deno.test("17.10 max_connections_per_user counts sockets, not rooms", async () => {
  await using running = await startServer({ env: { MAX_CONNECTIONS_PER_USER: "1" } });
  await using alice = await SharedClient.connect(running);
  for (const room of ["a", "b", "c"]) await alice.join(room);
  assertEquals(running.engine.connections.count, 1);
  assertProblem(await connect(running, "/rooms/a"), {
    status: 429,
    code: "too_many_connections",
    title: "Too many connections",
  });
});

Deno.test("17.10 the socket and its joins count as connections in 10.8", async () => {
  await using running = await startServer({ env: { JOINS_BURST: "4", JOINS_PER_SECOND: "1" } });
  await using alice = await SharedClient.connect(running);
  for (const room of ["a", "b", "c"]) await alice.join(room);
  const refused = await alice.refusedJoin("d");
  assertEquals([refused.code, refused.ended], ["rate_limited", true]);
  assert(refused.retry_after_ms && refused.retry_after_ms <= 1000);
  await using bob = await SharedClient.connect(running, { user: "bob" });
  await bob.join("d");
});

Deno.test("17.10 the defaults let a page join 20 rooms at once", async () => {
  await using running = await startServer();
  await using alice = await SharedClient.connect(running);
  alice.send(range(1, 20).map((n) => ({ type: "join", id: `j${n}`, room: `r${n}` })));
  for (let count = 0; count < 20; count++) await alice.next("welcome");
});

Deno.test("17.11 frames of several rooms come in one array, and the frame limit is the socket's", async () => {
  await using running = await startServer({ env: { FRAMES_BURST: "8", FRAMES_PER_SECOND: "1" } });
  await using alice = await SharedClient.connect(running);
  await alice.join("a");
  await alice.join("b");
  await alice.takeAll();
  const messages = alice.framesOfMessages.length;
  const backplane = backplaneOf(running);
  const draft = { id: "m", event: "e", data: "1", from: { user: "bob" } };
  for (const room of ["rooms/a", "rooms/b"]) void backplane.publish(room, [draft]);
  await alice.next("message", "rooms/a");
  await alice.next("message", "rooms/b");
  assertEquals(alice.framesOfMessages.slice(messages), [2]);
  alice.send(
    range(1, 8).map((n) => ({ type: "publish", id: `p${n}`, room: n % 2 ? "a" : "b", event: "e", data: n })),
  );
  const refused = await alice.answer("p8");
  assert(refused.type === "error");
  assertEquals([refused.code, refused.room], ["rate_limited", "rooms/b"]);
});
