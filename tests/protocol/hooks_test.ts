/** docs/protocol.md, rules 18.1 to 18.3 and 18.8: hooks of an endpoint, schema of presence. */
import { assert, assertEquals } from "@std/assert";
import * as z from "zod/mini";
import { refuse } from "../../packages/server/src/rooms/server_code/refuse.ts";
import { startRoomEndpoint } from "../support/room_endpoint.ts";
import { freshId, publishFrame, RoomClient } from "../support/room_client.ts";
import type { RunningServer } from "../support/running_server.ts";

const mount = "/x";
const SECRET_KEY = "sb_secret_for_tests";
const never = new Promise<never>(() => {});

/** Publishes over HTTP, as alice or with the secret key. */
async function post(running: RunningServer, body: unknown, asProject = false): Promise<Response> {
  const headers: Record<string, string> = asProject
    ? { apikey: SECRET_KEY }
    : { authorization: `Bearer ${await running.issuer.token("alice")}` };
  return await fetch(`${running.origin}/realtime/x/r/messages`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

for (
  const { name, hook, code, reason, close } of [
    {
      name: "refuses",
      hook: () => Promise.reject(refuse("members_only", "Buy a ticket.")),
      code: "refused",
      reason: "members_only",
      close: 4403,
    },
    { name: "hangs", hook: () => never, code: "timeout", reason: undefined, close: 1013 },
    {
      name: "throws",
      hook: () => {
        throw new Error("secret text");
      },
      code: "internal",
      reason: undefined,
      close: 1011,
    },
  ]
) {
  Deno.test(`18.1 a hook that ${name} ends the join with ${code} and ${close}, before welcome`, async () => {
    const left: string[] = [];
    await using running = await startRoomEndpoint({
      name: "x",
      onJoin: ({ user }) => user.id === "bob" ? hook() : undefined,
      onLeave: ({ user }) => void left.push(user.id),
    }, { env: { HOOK_TIMEOUT_MS: "50" } });
    await using alice = await RoomClient.join(running, "r", { mount });
    await using bob = await RoomClient.connect(running, "r", { mount, user: "bob" });
    const first = await bob.take();
    assert(first.type === "error");
    assertEquals([first.code, first.reason], [code, reason]);
    assert(!JSON.stringify(first).includes("secret"));
    assertEquals((await bob.closed()).code, close);
    assertEquals((await alice.publish("x")).offset, 1);
    assertEquals(left, []);
  });
}

Deno.test("18.1 a hook sees the user, the connection and the rooms, and what it publishes is in the room", async () => {
  await using running = await startRoomEndpoint({
    name: "x",
    async onJoin({ user, connection, room, rooms }) {
      assertEquals(room.name, "x/r");
      await room.publish("joined", { user: user.id, connection });
      await rooms.room("lobby").publish("joined", user.id);
    },
  });
  await using lobby = await RoomClient.join(running, "lobby");
  await using alice = await RoomClient.join(running, "r", { mount, query: { history: 1 } });
  const { event, data } = await alice.next("message");
  assertEquals([event, data], ["joined", { user: "alice", connection: alice.connection }]);
  assertEquals((await lobby.next("message")).data, "alice");
});

/** Refuses `rude`, makes `loud` quiet, and leaves the rest. */
function startModerated(): Promise<RunningServer> {
  return startRoomEndpoint({
    name: "x",
    events: { chat: z.object({ text: z.string() }), whisper: z.object({ text: z.string() }) },
    async onPublish(message, { user, connection }) {
      await Promise.resolve();
      const sender = user?.id ?? "service_role";
      assertEquals(message.from, connection ? { user: sender, connection } : { user: sender });
      const { text } = message.data;
      if (text === "rude") throw refuse("rude", "Be kind.");
      return text === "loud" ? { event: "whisper" as const, data: { text: "quiet" } } : message;
    },
  }, { env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }) } });
}

Deno.test("18.2 a hook refuses a message with its reason, or changes it before it is stored", async () => {
  await using running = await startModerated();
  await using alice = await RoomClient.join(running, "r", { mount });
  for (const ephemeral of [false, true]) {
    const refused = await alice.request(publishFrame({ text: "rude" }, { ephemeral }));
    assert(refused.type === "error");
    assertEquals([refused.code, refused.reason, refused.message], ["refused", "rude", "Be kind."]);
    await alice.publish({ text: "loud" }, { ephemeral, id: `loud-${ephemeral}` });
    const { event, data, id } = await alice.next("message");
    assertEquals([event, data, id], ["whisper", { text: "quiet" }, `loud-${ephemeral}`]);
    await alice.publish({ text: "hello" }, { ephemeral });
    assertEquals((await alice.next("message")).data, { text: "hello" });
  }
});

Deno.test("18.2 a message over HTTP passes the hook too", async () => {
  await using running = await startModerated();
  await using alice = await RoomClient.join(running, "r", { mount });
  for (const asProject of [false, true]) {
    const id = freshId();
    const refused = await post(running, { id, event: "chat", data: { text: "rude" } }, asProject);
    const { code, reason, detail } = await refused.json();
    assertEquals([refused.status, code, reason, detail], [403, "refused", "rude", "Be kind."]);
    const stored = await post(running, { id, event: "chat", data: { text: "loud" } }, asProject);
    assertEquals(stored.status, 201);
    await stored.body?.cancel();
    const { event, data } = await alice.next("message");
    assertEquals([event, data], ["whisper", { text: "quiet" }]);
  }
});

Deno.test("18.2 a hook refuses or changes the messages of a batch, each for itself", async () => {
  await using running = await startModerated();
  const batch = ["hello", "rude", "loud"].map((text) => ({ id: text, event: "chat", data: { text } }));
  const { results } = await (await post(running, batch, true)).json();
  assertEquals(results, [
    { id: "hello", offset: 1 },
    { id: "rude", error: { code: "refused", message: "Be kind.", reason: "rude" } },
    { id: "loud", offset: 2 },
  ]);
  await using alice = await RoomClient.join(running, "r", { mount, query: { history: 2 } });
  assertEquals([(await alice.next("message")).event, (await alice.next("message")).event], [
    "chat",
    "whisper",
  ]);
});

Deno.test("18.3 a hook that is too slow is answered with timeout, and its message is never stored", async () => {
  const slow = Promise.withResolvers<void>();
  await using running = await startRoomEndpoint({
    name: "x",
    async onPublish(message) {
      if (message.data === "slow") await slow.promise;
      return message;
    },
  }, { env: { HOOK_TIMEOUT_MS: "50" } });
  await using alice = await RoomClient.join(running, "r", { mount });
  const frame = publishFrame("slow");
  const timeout = await alice.request(frame);
  assert(timeout.type === "error");
  assertEquals([timeout.code, timeout.retry_after_ms], ["timeout", 1000]);
  const overHttp = await post(running, { id: "h", event: "chat", data: "slow" });
  assertEquals([overHttp.status, (await overHttp.json()).code], [503, "timeout"]);
  // Behind the refused one, as in 5.10.
  const behind = await alice.request(publishFrame("next", { id: "next" }));
  assert(behind.type === "error" && behind.code === "unavailable");
  slow.resolve();
  assertEquals((await alice.request(frame)).type, "ack");
  assertEquals((await alice.publish("next", { id: "next" })).offset, 2);
  assertEquals((await alice.takeAll()).flatMap((frame) => frame.type === "message" ? [frame.data] : []), [
    "slow",
    "next",
  ]);
});

Deno.test("18.3 hooks run in the order of the messages, and messages keep it, whatever the hooks take", async () => {
  const ran: unknown[] = [];
  const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
  await using running = await startRoomEndpoint({
    name: "x",
    async onPublish(message) {
      ran.push(message.data);
      await gates[Number(message.data)]?.promise;
      return message;
    },
  });
  await using alice = await RoomClient.join(running, "r", { mount });
  alice.send([0, 1, 2, 3].map((data) => publishFrame(data, { ephemeral: data === 2 })));
  await alice.takeAll();
  assertEquals(ran, [0]);
  for (const gate of gates.toReversed()) gate.resolve();
  const seen = [];
  for (let count = 0; count < 4; count++) seen.push((await alice.next("message")).data);
  assertEquals([ran, seen], [[0, 1, 2, 3], [0, 1, 2, 3]]);
});

Deno.test("18.3 waiting hooks count as pending publishes", async () => {
  const gate = Promise.withResolvers<void>();
  await using running = await startRoomEndpoint({
    name: "x",
    async onPublish(message) {
      await gate.promise;
      return message;
    },
  }, { env: { MAX_QUEUED_FRAMES: "5" } });
  await using alice = await RoomClient.join(running, "r", { mount });
  const frames = Array.from({ length: 7 }, (_, index) => publishFrame(index));
  alice.send(frames);
  for (const { id } of frames.slice(5)) {
    const answer = await alice.answer(id);
    assert(answer.type === "error" && answer.code === "rate_limited");
  }
  gate.resolve();
  for (const { id } of frames.slice(0, 5)) assertEquals((await alice.answer(id)).type, "ack");
});

Deno.test("18.8 a presence state that does not fit the schema names the field, and the schema's output is shown", async () => {
  await using running = await startRoomEndpoint({
    name: "x",
    presence: z.object({ typing: z.boolean(), mood: z._default(z.string(), "calm") }),
  });
  await using alice = await RoomClient.join(running, "r", { mount });
  await alice.next("presence");
  const wrong = await alice.request({ type: "presence", id: "1", state: { typing: "yes" } });
  assert(wrong.type === "error");
  assertEquals([wrong.code, wrong.field], ["invalid_frame", "state.typing"]);
  await alice.present({ typing: true, other: 1 });
  assertEquals((await alice.next("presence")).joined?.[0]?.state, { typing: true, mood: "calm" });
  await alice.present(null);
  assertEquals((await alice.next("presence")).left?.length, 1);
});
