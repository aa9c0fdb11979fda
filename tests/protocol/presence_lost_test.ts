/** docs/protocol.md, rules 7.6 to 7.8: lost members, and takeover of their presence entries. */
import { assert, assertEquals } from "@std/assert";
import { type Authorize, EVERYTHING, NOTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { freshId, type JoinOptions, RoomClient, roomUrl } from "../support/room_client.ts";
import { closeFrame, RawSocket, textFrame } from "../../tools/support/wire/raw_socket.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";
import { takePresence } from "./member_frames.ts";

/** Disconnect grace period that never ends within a test. */
const LONG_GRACE = { env: { PRESENCE_GRACE_MS: "600000" } };

/**
 * Joins, enters with a state, and closes with 4000, which is no normal close. Returns the client.
 */
async function loseOne(running: RunningServer, state: Record<string, unknown>, options: JoinOptions = {}) {
  const before = countCloses(running);
  const client = await RoomClient.join(running, "r", options);
  await client.present(state);
  client.close(4000);
  await client.closed();
  await running.logged("socket.close", before + 1);
  return client;
}

function countCloses({ logs }: RunningServer): number {
  return logs.filter(({ event }) => event === "socket.close").length;
}

for (const { kind, plain } of KINDS) {
  for (const code of [1000, undefined]) {
    Deno.test(`7.6 ${kind} that closes with ${code ?? "no code"} leaves at once`, async () => {
      await using running = await startServer(LONG_GRACE);
      await using bob = await RoomClient.join(running, "r", { user: "bob" });
      await using alice = await RoomClient.join(running, "r", { plain });
      await alice.present({});
      await bob.next("presence");
      await bob.next("presence");
      alice.close(code);
      assertEquals(await bob.next("presence"), {
        type: "presence",
        left: [{ user: "alice", connection: alice.connection }],
      });
      assertEquals(await takePresence(bob), []);
    });
  }
}

Deno.test("7.6 a member that was closed with 4403 leaves at once", async () => {
  let allowed = EVERYTHING;
  const authorize: Authorize = ({ id }) => id === "alice" ? allowed : EVERYTHING;
  await using running = await startServer({ ...LONG_GRACE, deps: { authorize } });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using alice = await RoomClient.join(running, "r");
  await alice.present({});
  for (const _ of ["members", "joined"]) await bob.next("presence");
  allowed = NOTHING;
  alice.send({ type: "auth", id: "a", token: await running.issuer.token("alice") });
  assertEquals((await alice.closed()).code, 4403);
  assertEquals((await bob.next("presence")).left, [{ user: "alice", connection: alice.connection }]);
});

/** Ends of a connection that are no normal close. */
const ACCIDENTS: readonly (readonly [what: string, end: (socket: RawSocket) => void | Promise<void>])[] = [
  ["breaks", (socket) => socket.abort()],
  ["closes with 1001", (socket) => socket.send(closeFrame(1001))],
  ["closes with 4000", (socket) => socket.send(closeFrame(4000))],
];
for (const [what, end] of ACCIDENTS) {
  Deno.test(`7.6 the entry of a connection that ${what} stays for presence_grace_ms, then left is broadcast once`, async () => {
    const graceMs = 700;
    await using running = await startServer({ env: { PRESENCE_GRACE_MS: String(graceMs) } });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    using alice = await RawSocket.open(await roomUrl(running, "r"));
    await alice.send(textFrame('{"type":"presence","id":"p","state":{}}'));
    await bob.next("presence");
    const { joined } = await bob.next("presence");
    const [entry] = joined ?? [];
    const endedAt = performance.now();
    await end(alice);
    await running.logged("socket.close");
    const { left } = await bob.next("presence");
    // Tolerance, because two clocks are compared, one of whole milliseconds.
    assert(performance.now() - endedAt >= graceMs - 20, "left came too early");
    assertEquals(left, [{ user: "alice", connection: entry?.connection }]);
    assertEquals(await takePresence(bob), []);
  });
}

Deno.test("7.6 during the grace period the entry stays present, and no change is broadcast", async () => {
  await using running = await startServer(LONG_GRACE);
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const alice = await loseOne(running, { mood: "lost" });
  assertEquals((await takePresence(bob)).length, 2);
  await using carol = await RoomClient.join(running, "r", { user: "carol" });
  const entry = { user: "alice", connection: alice.connection, state: { mood: "lost" } };
  assertEquals(await takePresence(carol), [{ members: [entry] }]);
});

Deno.test("7.6 a connection that the server closes for a client error is lost too", async () => {
  await using running = await startServer(LONG_GRACE);
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using alice = await RoomClient.join(running, "r");
  await alice.present({});
  alice.sendRaw(new ArrayBuffer(1));
  await alice.closed();
  await running.logged("socket.close");
  assertEquals((await takePresence(bob)).length, 2);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`7.7 a resume within the grace period takes over the entry: ${kind}`, async () => {
    await using running = await startServer(LONG_GRACE);
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    const lost = await loseOne(running, { mood: "lost" }, { plain });
    await takePresence(bob);
    await using found = await RoomClient.join(running, "r", { plain, query: lost.resumption() });
    const entry = { user: "alice", connection: found.connection, state: { mood: "lost" } };
    assertEquals(await takePresence(bob), [{ updated: [{ ...entry, previous: lost.connection }] }]);
    assertEquals(await takePresence(found), [{ members: [entry] }]);
    await found.present({ mood: "found" });
    assertEquals(await takePresence(bob), [{ updated: [{ ...entry, state: { mood: "found" } }] }]);
    await found[Symbol.asyncDispose]();
    assertEquals(await bob.next("presence"), {
      type: "presence",
      left: [{ user: "alice", connection: found.connection }],
    });
  });
}

Deno.test("7.7 `connection=` names the entry to take over", async () => {
  await using running = await startServer(LONG_GRACE);
  const phone = await loseOne(running, { on: "phone" });
  // Otherwise it would take over the phone's entry on entering.
  const laptop = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using tablet = await RoomClient.join(running, "r", { query: phone.resumption() });
  await laptop.present({ on: "laptop" });
  await tablet.present({ on: "tablet" });
  const before = countCloses(running);
  tablet.close(4000);
  await tablet.closed();
  await running.logged("socket.close", before + 1);
  laptop.close(4000);
  await laptop.closed();
  await running.logged("socket.close", before + 2);
  await takePresence(bob);
  await using resumed = await RoomClient.join(running, "r", { query: laptop.resumption() });
  assertEquals(await takePresence(bob), [{
    updated: [{
      user: "alice",
      connection: resumed.connection,
      state: { on: "laptop" },
      previous: laptop.connection,
    }],
  }]);
});

Deno.test("7.7 without `connection=` the resume takes over the same user's oldest lost entry", async () => {
  await using running = await startServer(LONG_GRACE);
  await using phone = await RoomClient.join(running, "r");
  await using laptop = await RoomClient.join(running, "r");
  await phone.present({ on: "phone" });
  await laptop.present({ on: "laptop" });
  const stranger = await loseOne(running, { on: "elsewhere" }, { user: "carol" });
  // Oldest by the time of the loss, not of entering.
  for (const client of [laptop, phone]) {
    const before = countCloses(running);
    client.close(4000);
    await client.closed();
    await running.logged("socket.close", before + 1);
  }
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await takePresence(bob);
  const query = { after: 0, epoch: phone.welcome.epoch };
  for (const lost of [laptop, phone]) {
    // Open until the test ends.
    const found = await RoomClient.join(running, "r", { query });
    const change = JSON.stringify(await takePresence(bob));
    assert(change.includes(`"previous":"${lost.connection}"`), change);
    assert(change.includes(found.connection), change);
  }
  await using third = await RoomClient.join(running, "r", { query });
  assertEquals(await takePresence(bob), []);
  const { members } = await third.next("presence");
  assertEquals(members?.length, 3);
  assert(members?.some(({ connection }) => connection === stranger.connection));
});

Deno.test("7.7 another user's entry is never taken over", async () => {
  await using running = await startServer(LONG_GRACE);
  const alice = await loseOne(running, { mood: "lost" });
  await using mallory = await RoomClient.join(running, "r", { user: "mallory", query: alice.resumption() });
  const entry = { user: "alice", connection: alice.connection, state: { mood: "lost" } };
  assertEquals(await takePresence(mallory), [{ members: [entry] }]);
  await mallory.present({ mood: "evil" });
  const own = { user: "mallory", connection: mallory.connection, state: { mood: "evil" } };
  assertEquals(await takePresence(mallory), [{ joined: [own] }]);
});

Deno.test("7.7 after the grace period there is no entry to take over", async () => {
  await using running = await startServer({ env: { PRESENCE_GRACE_MS: "0" } });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const lost = await loseOne(running, {});
  for (const _ of ["members", "joined", "left"]) await bob.next("presence");
  await using found = await RoomClient.join(running, "r", { query: lost.resumption() });
  assertEquals(await takePresence(found), [{ members: [] }]);
  assertEquals(await takePresence(bob), []);
});

Deno.test("7.7 a resume with an unknown connection still resumes", async () => {
  await using running = await startServer(LONG_GRACE);
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const query = { ...bob.resumption(), connection: freshId() };
  await using alice = await RoomClient.join(running, "r", { query });
  assertEquals([alice.welcome.recovered, await takePresence(alice)], [true, [{ members: [] }]]);
});

Deno.test("7.8 a new connection of the same user that enters within the grace period takes over the entry", async () => {
  await using running = await startServer(LONG_GRACE);
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const lost = await loseOne(running, { mood: "lost" });
  await takePresence(bob);
  await using found = await RoomClient.join(running, "r");
  assertEquals(await takePresence(bob), []);
  await found.present({ mood: "new" });
  assertEquals(await takePresence(bob), [{
    updated: [{
      user: "alice",
      connection: found.connection,
      state: { mood: "new" },
      previous: lost.connection,
    }],
  }]);
});
