/** docs/protocol.md, rule 7.11: a resume names a connection that is alive. */
import { assertEquals } from "@std/assert";
import { RoomClient } from "../support/room_client.ts";
import { changeRoomServices } from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { takePresence } from "./member_frames.ts";

/** A room with bob, in which alice resumes a connection that is open. */
async function startCopiedTab(running: RunningServer, plain = false) {
  let movedMs = 0;
  changeRoomServices(running, { now: () => performance.now() + movedMs });
  const bob = await RoomClient.join(running, "r", { user: "bob" });
  const first = await RoomClient.join(running, "r", { plain });
  await first.present({ tab: 1 });
  for (const _ of ["members", "joined"]) await bob.next("presence");
  const second = await RoomClient.join(running, "r", { query: first.resumption() });
  assertEquals((await bob.next("presence")).updated, [
    { user: "alice", connection: second.connection, state: { tab: 1 }, previous: first.connection },
  ]);
  return { bob, first, second, pass: (ms: number) => void (movedMs += ms) };
}

/** Sends a ping, and waits until everything before it is handled. */
async function ping(client: RoomClient): Promise<void> {
  client.send({ type: "ping", id: "p" });
  await client.answer("p");
}

Deno.test("7.11 the copied connection enters again once it is heard two seconds later, and stays", async () => {
  await using running = await startServer();
  const { bob, first, second, pass } = await startCopiedTab(running);
  // Sent before the takeover, as far as the server can tell.
  await ping(first);
  pass(1_000);
  await ping(first);
  assertEquals(await takePresence(bob), []);
  pass(1_000);
  await ping(first);
  const entry = { user: "alice", connection: first.connection, state: { tab: 1 } };
  assertEquals((await bob.next("presence")).joined, [entry]);
  // The report's case: the second one closes, and the first one is still present.
  second.close(1000);
  assertEquals((await bob.next("presence")).left, [{ user: "alice", connection: second.connection }]);
  await using late = await RoomClient.join(running, "r", { user: "late" });
  assertEquals((await late.next("presence")).members, [entry]);
  for (const client of [bob, first]) client.close();
});

Deno.test("7.11 a copied connection that changed its presence meanwhile keeps what it wants", async () => {
  await using running = await startServer();
  const { bob, first, second, pass } = await startCopiedTab(running);
  await first.present({ tab: "new" });
  assertEquals((await bob.next("presence")).joined?.map(({ state }) => state), [{ tab: "new" }]);
  pass(60_000);
  await ping(first);
  first.send({ type: "presence", id: "leave", state: null });
  await first.answer("leave");
  assertEquals((await bob.next("presence")).left?.map(({ connection }) => connection), [first.connection]);
  await ping(first);
  assertEquals(await takePresence(bob), []);
  for (const client of [bob, first, second]) client.close();
});

Deno.test("7.11 a broken connection that was resumed stays away", async () => {
  await using running = await startServer();
  const { bob, first, second, pass } = await startCopiedTab(running);
  first.close(4000);
  await first.closed();
  pass(60_000);
  await ping(second);
  assertEquals(await takePresence(bob), []);
  for (const client of [bob, second]) client.close();
});

Deno.test("7.11 a copied client without a heartbeat enters again after a minute, without a frame", async () => {
  await using running = await startServer({ env: { HEARTBEAT_MS: "100" } });
  const { bob, first, second, pass } = await startCopiedTab(running, true);
  pass(60_000);
  assertEquals((await bob.next("presence")).joined?.map(({ connection }) => connection), [first.connection]);
  for (const client of [bob, first, second]) client.close();
});
