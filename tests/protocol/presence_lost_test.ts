/** docs/protocol.md, rules 7.6 to 7.8: who is lost, and who goes on for whom. */
import { assert, assertEquals } from "@std/assert";
import { type Authorize, EVERYTHING, NOTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { freshId, type JoinOptions, RoomClient, roomUrl } from "../support/room_client.ts";
import { closeFrame, RawSocket, textFrame } from "../../tools/support/wire/raw_socket.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";
import { presenceOf } from "./told.ts";

/** Nobody leaves by the passing of time. */
const FOR_EVER = { env: { PRESENCE_GRACE_MS: "600000" } };

/** Joins, enters with a state, and is lost: closes with 4000, which is no farewell. Returns the connection it had. */
async function loseOne(running: RunningServer, state: Record<string, unknown>, options: JoinOptions = {}) {
  const before = closes(running);
  const client = await RoomClient.join(running, "r", options);
  await client.present(state);
  client.close(4000);
  await client.closed();
  await running.logged("socket.close", before + 1);
  return client;
}

function closes({ logs }: RunningServer): number {
  return logs.filter(({ event }) => event === "socket.close").length;
}

for (const { kind, plain } of KINDS) {
  for (const code of [1000, undefined]) {
    Deno.test(`7.6 ${kind} that closes with ${code ?? "no code"} leaves at once`, async () => {
      await using running = await startServer(FOR_EVER);
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
      assertEquals(await presenceOf(bob), []);
    });
  }
}

Deno.test("7.6 so does one that was closed with 4403", async () => {
  let allowed = EVERYTHING;
  const authorize: Authorize = ({ id }) => id === "alice" ? allowed : EVERYTHING;
  await using running = await startServer({ ...FOR_EVER, deps: { authorize } });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using alice = await RoomClient.join(running, "r");
  await alice.present({});
  for (const _ of ["members", "joined"]) await bob.next("presence");
  allowed = NOTHING;
  alice.send({ type: "auth", id: "a", token: await running.issuer.token("alice") });
  assertEquals((await alice.closed()).code, 4403);
  assertEquals((await bob.next("presence")).left, [{ user: "alice", connection: alice.connection }]);
});

/** Ends of a connection that may be an accident. */
const ACCIDENTS: readonly (readonly [what: string, end: (socket: RawSocket) => void | Promise<void>])[] = [
  ["breaks", (socket) => socket.abort()],
  ["closes with 1001", (socket) => socket.send(closeFrame(1001))],
  ["closes with 4000", (socket) => socket.send(closeFrame(4000))],
];
for (const [what, end] of ACCIDENTS) {
  Deno.test(`7.6 the entry of a connection that ${what} stays for presence_grace_ms; then comes left, once`, async () => {
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
    // A clock of whole milliseconds and another one are compared.
    assert(performance.now() - endedAt >= graceMs - 20, "left came too early");
    assertEquals(left, [{ user: "alice", connection: entry?.connection }]);
    assertEquals(await presenceOf(bob), []);
  });
}

Deno.test("7.6 until then it counts as present, and nobody is told anything", async () => {
  await using running = await startServer(FOR_EVER);
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const alice = await loseOne(running, { mood: "lost" });
  assertEquals((await presenceOf(bob)).length, 2);
  await using carol = await RoomClient.join(running, "r", { user: "carol" });
  const entry = { user: "alice", connection: alice.connection, state: { mood: "lost" } };
  assertEquals(await presenceOf(carol), [{ members: [entry] }]);
});

Deno.test("7.6 a connection that we close for a fault of its own is lost too", async () => {
  await using running = await startServer(FOR_EVER);
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using alice = await RoomClient.join(running, "r");
  await alice.present({});
  alice.sendRaw(new ArrayBuffer(1));
  await alice.closed();
  await running.logged("socket.close");
  assertEquals((await presenceOf(bob)).length, 2);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`7.7 who resumes within that time goes on with the entry: ${kind}`, async () => {
    await using running = await startServer(FOR_EVER);
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    const lost = await loseOne(running, { mood: "lost" }, { plain });
    await presenceOf(bob);
    await using found = await RoomClient.join(running, "r", { plain, query: lost.resumption() });
    const entry = { user: "alice", connection: found.connection, state: { mood: "lost" } };
    assertEquals(await presenceOf(bob), [{ updated: [{ ...entry, previous: lost.connection }] }]);
    assertEquals(await presenceOf(found), [{ members: [entry] }]);
    await found.present({ mood: "found" });
    assertEquals(await presenceOf(bob), [{ updated: [{ ...entry, state: { mood: "found" } }] }]);
    await found[Symbol.asyncDispose]();
    assertEquals(await bob.next("presence"), {
      type: "presence",
      left: [{ user: "alice", connection: found.connection }],
    });
  });
}

Deno.test("7.7 `connection=` says which one it was", async () => {
  await using running = await startServer(FOR_EVER);
  const phone = await loseOne(running, { on: "phone" });
  // Else it would go on with the phone's entry on entering.
  const laptop = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using tablet = await RoomClient.join(running, "r", { query: phone.resumption() });
  await laptop.present({ on: "laptop" });
  await tablet.present({ on: "tablet" });
  const before = closes(running);
  tablet.close(4000);
  await tablet.closed();
  await running.logged("socket.close", before + 1);
  laptop.close(4000);
  await laptop.closed();
  await running.logged("socket.close", before + 2);
  await presenceOf(bob);
  await using again = await RoomClient.join(running, "r", { query: laptop.resumption() });
  assertEquals(await presenceOf(bob), [{
    updated: [{
      user: "alice",
      connection: again.connection,
      state: { on: "laptop" },
      previous: laptop.connection,
    }],
  }]);
});

Deno.test("7.7 without `connection=` it is the oldest entry that the same user left so", async () => {
  await using running = await startServer(FOR_EVER);
  await using phone = await RoomClient.join(running, "r");
  await using laptop = await RoomClient.join(running, "r");
  await phone.present({ on: "phone" });
  await laptop.present({ on: "laptop" });
  const stranger = await loseOne(running, { on: "elsewhere" }, { user: "carol" });
  // Oldest by when it was lost, not by when it entered.
  for (const client of [laptop, phone]) {
    const before = closes(running);
    client.close(4000);
    await client.closed();
    await running.logged("socket.close", before + 1);
  }
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await presenceOf(bob);
  const query = { after: 0, epoch: phone.welcome.epoch };
  for (const lost of [laptop, phone]) {
    // Kept open until the test ends.
    const found = await RoomClient.join(running, "r", { query });
    const told = JSON.stringify(await presenceOf(bob));
    assert(told.includes(`"previous":"${lost.connection}"`), told);
    assert(told.includes(found.connection), told);
  }
  await using third = await RoomClient.join(running, "r", { query });
  assertEquals(await presenceOf(bob), []);
  const { members } = await third.next("presence");
  assertEquals(members?.length, 3);
  assert(members?.some(({ connection }) => connection === stranger.connection));
});

Deno.test("7.7 another user's entry is never taken over", async () => {
  await using running = await startServer(FOR_EVER);
  const alice = await loseOne(running, { mood: "lost" });
  await using mallory = await RoomClient.join(running, "r", { user: "mallory", query: alice.resumption() });
  const entry = { user: "alice", connection: alice.connection, state: { mood: "lost" } };
  assertEquals(await presenceOf(mallory), [{ members: [entry] }]);
  await mallory.present({ mood: "evil" });
  const own = { user: "mallory", connection: mallory.connection, state: { mood: "evil" } };
  assertEquals(await presenceOf(mallory), [{ joined: [own] }]);
});

Deno.test("7.7 after that time there is nothing to go on with", async () => {
  await using running = await startServer({ env: { PRESENCE_GRACE_MS: "0" } });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const lost = await loseOne(running, {});
  for (const _ of ["members", "joined", "left"]) await bob.next("presence");
  await using found = await RoomClient.join(running, "r", { query: lost.resumption() });
  assertEquals(await presenceOf(found), [{ members: [] }]);
  assertEquals(await presenceOf(bob), []);
});

Deno.test("7.7 a resume with a connection that never was is a resume all the same", async () => {
  await using running = await startServer(FOR_EVER);
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const query = { ...bob.resumption(), connection: freshId() };
  await using alice = await RoomClient.join(running, "r", { query });
  assertEquals([alice.welcome.recovered, await presenceOf(alice)], [true, [{ members: [] }]]);
});

Deno.test("7.8 a new connection of the same user that enters within that time goes on with the entry", async () => {
  await using running = await startServer(FOR_EVER);
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const lost = await loseOne(running, { mood: "lost" });
  await presenceOf(bob);
  await using found = await RoomClient.join(running, "r");
  assertEquals(await presenceOf(bob), []);
  await found.present({ mood: "new" });
  assertEquals(await presenceOf(bob), [{
    updated: [{
      user: "alice",
      connection: found.connection,
      state: { mood: "new" },
      previous: lost.connection,
    }],
  }]);
});
