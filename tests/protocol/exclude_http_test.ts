/** docs/protocol.md, rule 12.15: a publish over HTTP that excludes a connection of its sender. */
import { assertEquals } from "@std/assert";
import {
  createMemoryBackplane,
  MemoryStore,
} from "../../packages/server/src/backplane/memory/memory_backplane.ts";
import { exclusionNotice } from "../../packages/server/src/rooms/exclusion_notice.ts";
import { EventReader } from "../support/event_reader.ts";
import { freshId, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changeRoomServices } from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { takeMessageData } from "./member_frames.ts";

const SECRET_KEY = "sb_secret_of_this_test";

interface Post {
  readonly user?: string;
  readonly apikey?: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Publishes over HTTP; returns the status and the body of the answer. */
async function post(
  running: RunningServer,
  { user = "alice", apikey, body }: Post,
): Promise<[number, Record<string, unknown>]> {
  const credential: Record<string, string> = apikey === undefined
    ? { authorization: `Bearer ${await running.issuer.token(user)}` }
    : { apikey };
  const response = await fetch(`${running.origin}/realtime/rooms/r/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", ...credential },
    body: JSON.stringify({ id: freshId(), event: "chat", exclude: "self", ...body }),
  });
  return [response.status, await response.json()];
}

/** Two isolates that share a store in memory. */
async function startTwo(): Promise<readonly [RunningServer, RunningServer]> {
  const one = await startServer();
  const other = await startServer({ issuer: one.issuer });
  const store = new MemoryStore({
    retention: { messages: 100, ageMs: 600_000, dedupeMs: 120_000 },
    graceMs: 1_000,
    maxBytes: 1e6,
    onDeliverError: (error) => {
      throw error;
    },
    now: () => performance.now(),
    wallNow: () => Date.now(),
    id: () => "test",
  });
  for (const running of [one, other]) {
    await backplaneOf(running).close();
    changeRoomServices(running, { backplane: createMemoryBackplane(store) });
  }
  return [one, other];
}

Deno.test("12.15 the named connection gets an ack in the message's place, and no message", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await using tab = await RoomClient.join(running, "r");
  const { connection } = alice;
  const [status, { offset }] = await post(running, { body: { id: "a", data: "mine", connection } });
  assertEquals([status, offset], [201, 1]);
  assertEquals(await alice.next("ack"), { type: "ack", id: "a", offset: 1, excluded: true });
  const [repeated] = await post(running, { body: { id: "a", data: "mine", connection } });
  assertEquals(repeated, 200);
  const [passed] = await post(running, { body: { data: "waved", ephemeral: true, connection } });
  assertEquals(passed, 202);
  await tab.publish("next");
  assertEquals(await takeMessageData(tab), ["mine", "waved", "next"]);
  assertEquals(await takeMessageData(alice), ["next"]);
});

Deno.test("12.15 the named connection may be at another isolate, and no member sees the notice", async () => {
  const [one, other] = await startTwo();
  await using _one = one;
  await using _other = other;
  await using alice = await RoomClient.join(one, "r");
  await using tab = await RoomClient.join(other, "r");
  const { connection } = alice;
  const [status] = await post(other, { body: { data: "mine", connection } });
  assertEquals(status, 201);
  await post(other, { body: { data: "waved", ephemeral: true, connection } });
  await tab.publish("next");
  assertEquals(await takeMessageData(tab), ["mine", "waved", "next"]);
  const frames = await alice.takeAll();
  assertEquals(frames.map(({ type }) => type), ["presence", "ack", "message"]);
});

Deno.test("12.15 another user's connection misses no message, at whichever isolate it is", async () => {
  const [one, other] = await startTwo();
  await using _one = one;
  await using _other = other;
  await using bob = await RoomClient.join(one, "r", { user: "bob" });
  const { connection } = bob;
  const [status, problem] = await post(one, { body: { data: "hidden", connection } });
  assertEquals([status, problem["code"], problem["field"]], [400, "invalid_request", "json.connection"]);
  assertEquals((await post(one, { body: { data: "hidden", ephemeral: true, connection } }))[0], 400);
  assertEquals((await post(other, { body: { data: "elsewhere", connection } }))[0], 201);
  assertEquals((await post(other, { body: { data: "waved", ephemeral: true, connection } }))[0], 202);
  assertEquals(await takeMessageData(bob), ["elsewhere", "waved"]);
});

Deno.test("12.15 exclude without connection, or with a secret key, is refused", async () => {
  await using running = await startServer({
    env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }) },
  });
  await using alice = await RoomClient.join(running, "r");
  for (
    const one of [
      { body: { data: 1 } },
      { body: { data: 1, connection: "" } },
      { apikey: SECRET_KEY, body: { data: 1, connection: alice.connection } },
    ]
  ) {
    const [status, problem] = await post(running, one);
    assertEquals([status, problem["code"], problem["field"]], [400, "invalid_request", "json.connection"]);
  }
  assertEquals(await takeMessageData(alice), []);
  const item = { id: "i", event: "chat", data: 1, exclude: "self", connection: alice.connection };
  const response = await fetch(`${running.origin}/realtime/rooms/r/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", apikey: SECRET_KEY },
    body: JSON.stringify([item]),
  });
  const { results: [{ error }] } = await response.json();
  assertEquals([error.code, error.field], ["invalid_request", "connection"]);
});

Deno.test("12.15 a client cannot forge a notice", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const { event, to, id } = exclusionNotice("alice", "a", alice.connection);
  for (const frame of [{ event, ephemeral: true }, { event: "chat", to, ephemeral: true }]) {
    alice.sendJson({ type: "publish", id, data: null, ...frame });
    assertEquals((await alice.answer(id)).type, "error");
  }
});

Deno.test("12.15 an event stream gets the ack with the message's id", async () => {
  await using running = await startServer();
  await using stream = await EventReader.open(running);
  const { data: { connection, epoch } } = await stream.next();
  assertEquals((await stream.next()).data["type"], "presence");
  const [status] = await post(running, { user: "carol", body: { id: "a", data: "mine", connection } });
  assertEquals(status, 201);
  const { id, data } = await stream.next();
  assertEquals([id, data], [`${epoch}:1`, { type: "ack", id: "a", offset: 1, excluded: true }]);
});
