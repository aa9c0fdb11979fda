import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

const SECRET_KEY = "sb_secret_of_this_test";

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function call(
  running: RunningServer,
  path: string,
  { user = "alice", apikey, body }: { user?: string; apikey?: string; body?: unknown } = {},
): Promise<Answer> {
  const headers = new Headers({ "content-type": "application/json" });
  if (apikey === undefined) headers.set("authorization", `Bearer ${await running.issuer.token(user)}`);
  else headers.set("apikey", apikey);
  const response = await fetch(`${running.origin}/realtime/rooms/${path}`, {
    headers,
    ...(body === undefined ? {} : {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  });
  return { status: response.status, body: await response.json() };
}

function offsetsOf({ body }: Answer): unknown {
  const { messages } = body;
  assert(Array.isArray(messages));
  return messages.map(({ offset }) => offset);
}

Deno.test("12.1 a page of history is after an offset, before an offset, or the latest", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  for (const data of [1, 2, 3, 4, 5]) await alice.publish(data);
  const last = await call(running, "r/messages?limit=2");
  assertEquals([last.status, offsetsOf(last), last.body["more"]], [200, [4, 5], true]);
  assertEquals(last.body["epoch"], alice.welcome.epoch);
  assertEquals(offsetsOf(await call(running, "r/messages?after=1&limit=2")), [2, 3]);
  assertEquals(offsetsOf(await call(running, "r/messages?before=3")), [1, 2]);
  assertEquals(offsetsOf(await call(running, "nobody-was-here/messages")), []);
  for (const [query, field] of [["limit=0", "limit"], ["limit=501", "limit"], ["after=x", "after"]]) {
    const { status, body } = await call(running, `r/messages?${query}`);
    assertEquals([status, body["code"], body["field"]], [400, "invalid_request", `query.${field}`]);
  }
  assertEquals((await call(running, "r/messages?after=1&before=3")).body["field"], "query.before");
});

Deno.test("12.2 a publish over HTTP is stored once per id and reaches the members", async () => {
  await using running = await startServer();
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const message = { id: "h1", event: "chat", data: { text: "ü" } };
  assertEquals(await call(running, "r/messages", { body: message }), {
    status: 201,
    body: { id: "h1", offset: 1 },
  });
  assertEquals(await call(running, "r/messages", { body: message }), {
    status: 200,
    body: { id: "h1", offset: 1 },
  });
  assertObjectMatch({ ...await bob.next("message") }, { offset: 1, ...message, from: { user: "alice" } });
  const ephemeral = { ...message, id: "h2", ephemeral: true, to: { user: "bob" } };
  assertEquals((await call(running, "r/messages", { body: ephemeral })).status, 202);
  assertEquals((await bob.next("message")).offset, undefined);
});

Deno.test("12.2 a body that is too large, not JSON or not a message is refused with the cause", async () => {
  await using running = await startServer();
  const good = { id: "1", event: "chat", data: 1 };
  const refusals: [unknown, number, string, string | undefined][] = [
    [{ ...good, data: "x".repeat(70_000) }, 413, "too_large", "json"],
    ["{", 400, "invalid_request", undefined],
    [[], 403, "forbidden", undefined],
    [{ ...good, id: "" }, 400, "invalid_request", "json.id"],
    [{ ...good, to: { user: "bob" } }, 400, "invalid_request", "json.to"],
    [{ ...good, key: "k" }, 400, "invalid_request", "json.key"],
    [
      `{"id":"1","event":"chat","data":${"[".repeat(65)}${"]".repeat(65)}}`,
      400,
      "invalid_request",
      "json.data",
    ],
  ];
  for (const [body, status, code, field] of refusals) {
    const answer = await call(running, "r/messages", { body });
    assertEquals([answer.status, answer.body["code"], answer.body["field"]], [status, code, field]);
  }
  assertEquals(offsetsOf(await call(running, "r/messages")), []);
});

Deno.test("12.3 a secret key publishes as service_role, and a wrong key is refused", async () => {
  await using running = await startServer({
    env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }) },
    deps: { authorize: () => ({ join: false, publish: false, presence: false, history: false }) },
  });
  const body = { id: "1", event: "chat", data: 1 };
  assertEquals((await call(running, "r/messages", { body, apikey: SECRET_KEY })).status, 201);
  for (const apikey of ["", SECRET_KEY.slice(1), SECRET_KEY.toUpperCase()]) {
    assertEquals((await call(running, "r/messages", { body, apikey })).body["code"], "missing_token");
  }
  assertEquals((await call(running, "r/messages", { body })).body["code"], "forbidden");
  assertEquals(JSON.stringify(running.logs).includes(SECRET_KEY), false);
});

Deno.test("12.3 a secret key's messages name it, and its ids do not collide with a user's", async () => {
  await using running = await startServer({ env: { SUPABASE_SERVICE_ROLE_KEY: SECRET_KEY } });
  await using alice = await RoomClient.join(running, "r");
  await alice.publish("mine", { id: "1" });
  const body = { id: "1", event: "chat", data: "ours" };
  assertEquals((await call(running, "r/messages", { body, apikey: SECRET_KEY })).body["offset"], 2);
  await alice.next("message");
  assertEquals((await alice.next("message")).from, { user: "service_role" });
});

Deno.test("12.4 presence over HTTP lists the members", async () => {
  await using running = await startServer();
  assertEquals(await call(running, "r/presence"), { status: 200, body: { members: [] } });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await bob.present({ typing: true });
  assertEquals((await call(running, "r/presence")).body, {
    members: [{ user: "bob", connection: bob.connection, state: { typing: true } }],
  });
});

Deno.test("12.14 the position of a room is where a client goes on, also before the first message", async () => {
  await using running = await startServer({ env: { SUPABASE_SERVICE_ROLE_KEY: SECRET_KEY } });
  const unused = await call(running, "r/position");
  assertEquals(unused, { status: 200, body: { epoch: "", offset: 0 } });
  await using alice = await RoomClient.join(running, "r");
  assertEquals(await call(running, "r/position"), unused);
  await alice.publish("first");
  const { epoch } = alice.welcome;
  const position = { status: 200, body: { epoch, offset: 1 } };
  assertEquals(await call(running, "r/position"), position);
  assertEquals(await call(running, "r/position", { apikey: SECRET_KEY }), position);
  await alice.publish("second");
  for (const { body: { epoch, offset: after } } of [unused, position]) {
    const query = { after: Number(after), epoch: String(epoch) };
    await using member = await RoomClient.join(running, "r", { user: "bob", query });
    assertEquals(member.welcome.recovered, true);
    assertEquals((await member.next("message")).offset, Number(after) + 1);
  }
});

for (
  const [path, allowed] of [["messages", "history"], ["presence", "presence"], ["position", "join"], [
    "events",
    "join",
  ]]
) {
  Deno.test(`12.1 a user without ${allowed} is refused ${path} over HTTP`, async () => {
    const everything = { join: true, publish: true, presence: true, history: true };
    await using running = await startServer({
      deps: { authorize: () => ({ ...everything, [String(allowed)]: false }) },
    });
    const { status, body } = await call(running, `r/${path}`);
    assertEquals([status, body["code"]], [403, "forbidden"]);
  });
}
