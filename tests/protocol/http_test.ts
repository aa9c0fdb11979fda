import { assert, assertEquals, assertMatch, assertObjectMatch } from "@std/assert";
import { deadline } from "@std/async";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";

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
    [[], 400, "invalid_request", "json"],
    [{ ...good, id: "" }, 400, "invalid_request", "json.id"],
    [{ ...good, to: { user: "bob" } }, 400, "invalid_request", "json.to"],
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

for (const [path, allowed] of [["messages", "history"], ["presence", "presence"], ["events", "join"]]) {
  Deno.test(`12.1 a user without ${allowed} is refused ${path} over HTTP`, async () => {
    const everything = { join: true, publish: true, presence: true, history: true };
    await using running = await startServer({
      deps: { authorize: () => ({ ...everything, [String(allowed)]: false }) },
    });
    const { status, body } = await call(running, `r/${path}`);
    assertEquals([status, body["code"]], [403, "forbidden"]);
  });
}

/** Event of a stream. */
type StreamEvent = {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: Record<string, unknown>;
};

/** Reads a stream like EventSource, as far as these tests need it. */
class EventReader implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  private constructor(body: NonNullable<Response["body"]>) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async open(running: RunningServer, query: string, lastEventId?: string): Promise<EventReader> {
    const token = await running.issuer.token("carol");
    const response = await fetch(`${running.origin}/realtime/rooms/r/events?token=${token}${query}`, {
      headers: lastEventId === undefined ? {} : { "last-event-id": lastEventId },
    });
    assertEquals([response.status, response.headers.get("content-type")], [200, "text/event-stream"]);
    assert(response.body);
    return new EventReader(response.body);
  }

  async next(): Promise<StreamEvent> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const field = (name: string) => block.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
        const data = field("data");
        if (data !== undefined) return { id: field("id"), event: field("event"), data: JSON.parse(data) };
        continue;
      }
      const { value, done } = await deadline(this.#reader.read(), PATIENCE_MS);
      assert(!done, "the stream has ended");
      this.#text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}

Deno.test("12.5 a stream is a member that receives, and resumes after its last event", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const { epoch } = alice.welcome;
  let seen: string | undefined;
  {
    await using stream = await EventReader.open(running, "");
    const welcome = await stream.next();
    assertEquals([welcome.data["type"], welcome.data["user"], welcome.id], [
      "welcome",
      "carol",
      `${epoch}:0`,
    ]);
    assertEquals((await stream.next()).data, { type: "presence", members: [] });
    await alice.publish("first");
    const first = await stream.next();
    assertObjectMatch(first, { id: `${epoch}:1`, data: { type: "message", offset: 1, data: "first" } });
    seen = first.id;
  }
  await running.logged("stream.close");
  await alice.publish("missed");
  await using resumed = await EventReader.open(running, "", seen);
  assertObjectMatch((await resumed.next()).data, { type: "welcome", recovered: true, offset: 2 });
  assertObjectMatch(await resumed.next(), { id: `${epoch}:2`, data: { data: "missed" } });
  await alice.publish("cursor", { ephemeral: true });
  assertEquals((await resumed.next()).data["type"], "presence");
  assertObjectMatch(await resumed.next(), { id: undefined, data: { data: "cursor" } });
});

Deno.test("12.5 a stream begins at the position in its query", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  for (const data of [1, 2, 3]) await alice.publish(data);
  await using stream = await EventReader.open(running, "&history=2");
  assertEquals((await stream.next()).id, undefined);
  assertEquals([(await stream.next()).data["offset"], (await stream.next()).data["offset"]], [2, 3]);
});

Deno.test("12.6 a drained stream reports draining and when to reconnect before it ends", async () => {
  await using running = await startServer();
  await using stream = await EventReader.open(running, "");
  await stream.next();
  await stream.next();
  const drained = running.engine.connections.drain("wall_clock", 0);
  assertObjectMatch((await stream.next()).data, { type: "draining", reason: "wall_clock" });
  const last = await stream.next();
  assertEquals([last.event, last.data["code"]], ["close", 1012]);
  assertMatch(String(last.data["reason"]), /wall_clock/);
  await drained;
  assertEquals(running.engine.connections.count, 0);
});
