import { assertEquals, assertObjectMatch } from "@std/assert";
import type { Authorize } from "../supabase/functions/realtime/rooms/authorize.ts";
import { HANDSHAKE, rawGet } from "./support/raw_request.ts";
import { type RunningService, startService } from "./support/running_service.ts";
import { SocketClient } from "./support/socket_client.ts";

/** Opens a socket in the room, and waits until the server takes it for a member. */
async function join(running: RunningService, room: string, user: string): Promise<SocketClient> {
  const client = await SocketClient.open(await running.socketUrl(`/rooms/${room}`, user));
  client.send(`${user} is here`);
  assertEquals(await client.next(), `${user} is here`);
  return client;
}

Deno.test("what one member sends reaches every member of the room, the sender included, in one order", async () => {
  await using running = await startService();
  await using alice = await join(running, "r", "alice");
  await using bob = await join(running, "r", "bob");
  assertEquals(await alice.next(), "bob is here");
  await using carol = await join(running, "r", "carol");
  assertEquals(await alice.next(), "carol is here");
  assertEquals(await bob.next(), "carol is here");
  bob.send("1");
  bob.send('{"any":"text"}');
  bob.send("");
  for (const member of [alice, bob, carol]) {
    assertEquals([await member.next(), await member.next(), await member.next()], [
      "1",
      '{"any":"text"}',
      "",
    ]);
  }
});

Deno.test("a room hears nothing of another room, not even of one with a similar name", async () => {
  await using running = await startService();
  await using here = await join(running, "room", "alice");
  for (const other of ["Room", "room.", "room2", "roo"]) {
    await using there = await join(running, other, "alice");
    there.send("not for room");
    assertEquals(await there.next(), "not for room");
  }
  here.send("marker");
  assertEquals(await here.next(), "marker");
});

Deno.test("who has left a room hears nothing of it, and the others go on", async () => {
  await using running = await startService();
  await using alice = await join(running, "r", "alice");
  const bob = await join(running, "r", "bob");
  assertEquals(await alice.next(), "bob is here");
  bob.close();
  await bob.closed();
  await running.logged("socket.close");
  alice.send("alone");
  assertEquals(await alice.next(), "alone");
  await using again = await join(running, "r", "bob");
  assertEquals(await alice.next(), "bob is here");
  again.send("back");
  assertEquals(await alice.next(), "back");
});

Deno.test("binary in a room closes its sender with 1003, and nobody gets it", async () => {
  await using running = await startService();
  await using alice = await join(running, "r", "alice");
  await using bob = await join(running, "r", "bob");
  assertEquals(await alice.next(), "bob is here");
  bob.send(new Uint8Array([1, 2, 3]).buffer);
  assertEquals(await bob.closed(), { code: 1003, reason: "rooms speak text" });
  alice.send("marker");
  assertEquals(await alice.next(), "marker");
});

/** Lets only those join, or publish, whose names say so. */
const byName: Authorize = async (user, room) => {
  await Promise.resolve();
  const join = !user.id.startsWith("stranger");
  const publish = !user.id.startsWith("listener") && room !== "read-only";
  return { join, publish, presence: true, history: true };
};

Deno.test("who may not publish is answered with a forbidden error frame, and still listens", async () => {
  await using running = await startService({ services: { authorize: byName } });
  await using alice = await join(running, "r", "alice");
  await using listener = await SocketClient.open(await running.socketUrl("/rooms/r", "listener"));
  listener.send("I try");
  assertEquals(JSON.parse(String(await listener.next())), {
    type: "error",
    code: "forbidden",
    message: "This user may not publish in this room.",
  });
  alice.send("marker");
  assertEquals(await alice.next(), "marker");
  assertEquals(await listener.next(), "marker");
});

Deno.test("the hook is asked for the user and the room", async () => {
  await using running = await startService({ services: { authorize: byName } });
  await using client = await SocketClient.open(await running.socketUrl("/rooms/read-only", "alice"));
  client.send("I try");
  assertObjectMatch(JSON.parse(String(await client.next())), { type: "error", code: "forbidden" });
});

Deno.test("who may not join is refused with 403 before the upgrade", async () => {
  await using running = await startService({ services: { authorize: byName } });
  const token = await running.issuer.token("stranger");
  const { status, body } = await rawGet(running.port, `/realtime/rooms/r?token=${token}`, HANDSHAKE);
  assertEquals(status, 403);
  assertObjectMatch(JSON.parse(body), { code: "forbidden", detail: "This user may not join this room." });
  assertEquals(running.service.isolate.connections, 0);
});

Deno.test("a hook that fails refuses with 500, and tells the client nothing of why", async () => {
  const authorize: Authorize = () => Promise.reject(new Error("the database says no"));
  await using running = await startService({ services: { authorize } });
  const token = await running.issuer.token("alice");
  const { status, body } = await rawGet(running.port, `/realtime/rooms/r?token=${token}`, HANDSHAKE);
  assertEquals(status, 500);
  assertEquals(body.includes("database"), false);
  const [failure] = await running.logged("request.failed");
  assertEquals(failure?.["request_id"], JSON.parse(body).request_id);
});

for (const id of ["a", "A-Za-z0-9._~:-", "a".repeat(128)]) {
  Deno.test(`${id.slice(0, 20)} of ${id.length} characters is a room's id`, async () => {
    await using running = await startService();
    await using _member = await join(running, id, "alice");
  });
}

for (const id of ["a".repeat(129), "a%20b", "a%2Fb", "%C3%A4", "a@b", "%00"]) {
  Deno.test(`${id.slice(0, 20)} of ${id.length} characters is no room's id`, async () => {
    await using running = await startService();
    const token = await running.issuer.token("alice");
    const { status, body } = await rawGet(running.port, `/realtime/rooms/${id}?token=${token}`, HANDSHAKE);
    assertEquals(status, 400);
    assertObjectMatch(JSON.parse(body), { code: "invalid_request", field: "param.id" });
  });
}
