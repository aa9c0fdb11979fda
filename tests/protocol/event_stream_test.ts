/** docs/protocol.md, section 12: event streams. */
import { assertEquals, assertMatch, assertObjectMatch } from "@std/assert";
import { createEventText } from "../../packages/server/src/rooms/outbound/event_text.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { EventReader } from "../support/event_reader.ts";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

Deno.test("12.5 a stream is a member that receives, and resumes after its last event", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const { epoch } = alice.welcome;
  let seen: string | undefined;
  {
    await using stream = await EventReader.open(running);
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
  await using resumed = await EventReader.open(running, { lastEventId: seen });
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
  await using stream = await EventReader.open(running, { query: "&history=2" });
  assertObjectMatch(await stream.next(), { id: `${alice.welcome.epoch}:1`, data: { type: "welcome" } });
  assertEquals([(await stream.next()).data["offset"], (await stream.next()).data["offset"]], [2, 3]);
});

Deno.test("12.6 a drained stream reports draining and when to reconnect before it ends", async () => {
  await using running = await startServer();
  await using stream = await EventReader.open(running);
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

/** Names the type of each frame, and a gap's bounds. */
function brief({ type, offset, from, to }: Record<string, unknown>): string {
  return type === "message" ? `message ${offset}` : type === "gap" ? `gap ${from} ${to}` : String(type);
}

/** Reads events up to `presence`, which ends a replay. */
async function readReplay(stream: EventReader): Promise<{ frames: string[]; ids: (string | undefined)[] }> {
  const frames: string[] = [];
  const ids: (string | undefined)[] = [];
  for (;;) {
    const { data, id } = await stream.next();
    if (data["type"] === "presence") return { frames, ids };
    frames.push(brief(data));
    ids.push(id);
  }
}

for (const [query, missed] of [["", 0], ["&history=2", 0], ["&history=0", 0], ["&history=2", 1]] as const) {
  Deno.test(`12.10 a stream with ${query || "no query"} that is cut before its first message in a room of ${missed} misses nothing`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r");
    for (let data = 1; data <= missed; data++) await alice.publish(data);
    let last: string | undefined;
    {
      await using stream = await EventReader.open(running, { query });
      ({ id: last } = await stream.next());
    }
    for (const data of ["a", "b", "c", "d", "e"]) await alice.publish(data);
    await using resumed = await EventReader.open(running, { query, lastEventId: last });
    const expected = Array.from({ length: missed + 5 }, (_, place) => `message ${place + 1}`);
    assertEquals((await readReplay(resumed)).frames, ["welcome", ...expected]);
  });
}

Deno.test("12.10 each event with a position has an id, and a resume after any of them repeats nothing but what follows", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "4" } });
  await using alice = await RoomClient.join(running, "r");
  const { epoch } = alice.welcome;
  for (let data = 1; data <= 9; data++) await alice.publish(data);
  await using stream = await EventReader.open(running, { query: `&after=2&epoch=${epoch}` });
  const { frames, ids } = await readReplay(stream);
  assertEquals(frames, ["welcome", "gap 3 5", "message 6", "message 7", "message 8", "message 9"]);
  assertEquals(ids, [2, 5, 6, 7, 8, 9].map((offset) => `${epoch}:${offset}`));
  for (const [place, lastEventId] of ids.entries()) {
    await using resumed = await EventReader.open(running, { lastEventId });
    assertEquals((await readReplay(resumed)).frames, ["welcome", ...frames.slice(place + 1)]);
  }
});

Deno.test("12.10 after a gap beyond the head, or of a lost history, a resume continues in the present one", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const { epoch } = alice.welcome;
  await alice.publish("only");
  const starts = { [`${epoch}:7`]: "gap 2 7", [`${epoch}-lost:7`]: "gap 8 null" };
  for (const [lastEventId, gap] of Object.entries(starts)) {
    await using stream = await EventReader.open(running, { lastEventId });
    assertEquals((await stream.next()).id, lastEventId, "a cut right here repeats the gap");
    const { data, id } = await stream.next();
    assertEquals(brief(data), gap);
    await using resumed = await EventReader.open(running, { lastEventId: id });
    assertEquals((await readReplay(resumed)).frames, [
      "welcome",
      ...(gap === "gap 2 7" ? [] : ["message 1"]),
    ]);
  }
});

/** Ids that no stream of this room has sent, and the gap that answers them. */
const FOREIGN: Readonly<Record<string, string>> = {
  "another:3": "gap 4 null",
  "42": "gap 1 null",
  "no position": "gap 1 null",
  ":": "gap 1 null",
  ":3": "gap 4 null",
  "e:-1": "gap 1 null",
  "e:1.5": "gap 1 null",
  "e:9999999999999999": "gap 1 null",
  [`${"x".repeat(5_000)}:1`]: "gap 1 null",
};

/** Texts that would begin a field of their own in an event. */
const BREAKING = ["x\ndata: {}:1", "x\r\n\r\n:1", "a\n\nevent: forged\ndata: 1:2"];

async function assertGap(
  running: RunningServer,
  position: { readonly lastEventId: string } | { readonly query: string },
  gap: string | undefined,
): Promise<void> {
  await using stream = await EventReader.open(running, position);
  const welcome = await stream.next();
  assertMatch(welcome.id ?? "", /^[\w.~-]*:\d+$/);
  assertEquals([welcome.event, welcome.data["type"], welcome.data["recovered"]], [
    undefined,
    "welcome",
    false,
  ]);
  const { data } = await stream.next();
  if (gap) assertEquals(brief(data), gap);
  else assertEquals([data["type"], data["to"]], ["gap", null]);
  assertEquals((await readReplay(stream)).frames, ["message 1"]);
}

Deno.test("12.10 a foreign or malformed id is a resume of a lost history: a gap comes, and what is retained", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await alice.publish("first");
  for (const [id, gap] of Object.entries(FOREIGN)) {
    await assertGap(running, { lastEventId: id }, gap);
    await assertGap(running, { query: `&lastEventId=${encodeURIComponent(id)}` }, gap);
  }
  for (const id of BREAKING) {
    await assertGap(running, { query: `&lastEventId=${encodeURIComponent(id)}` }, undefined);
    await assertGap(running, { query: `&after=1&epoch=${encodeURIComponent(id)}` }, undefined);
  }
});

Deno.test("12.10 lastEventId in the query resumes too, the header counts first, and an empty one is none", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const { epoch } = alice.welcome;
  for (const data of [1, 2, 3]) await alice.publish(data);
  const query = `&history=3&lastEventId=${epoch}:1`;
  await using polyfill = await EventReader.open(running, { query });
  assertEquals((await readReplay(polyfill)).frames, ["welcome", "message 2", "message 3"]);
  await using both = await EventReader.open(running, { query, lastEventId: `${epoch}:2` });
  assertEquals((await readReplay(both)).frames, ["welcome", "message 3"]);
  await using empty = await EventReader.open(running, { query: "&lastEventId=", lastEventId: "" });
  assertEquals((await readReplay(empty)).frames, ["welcome"]);
});

Deno.test("12.11 ?events=named names events by their frames, and keep-alives are comments", async () => {
  await using running = await startServer({ env: { HEARTBEAT_MS: "100" } });
  await using alice = await RoomClient.join(running, "r");
  await using stream = await EventReader.open(running, { query: "&events=named" });
  const welcome = await stream.next();
  assertEquals([welcome.event, welcome.data["type"]], ["welcome", "welcome"]);
  assertEquals((await stream.next()).event, "presence");
  await alice.publish("first");
  assertObjectMatch(await stream.next(), { event: "message", data: { data: "first", offset: 1 } });
  await alice.publish("cursor", { ephemeral: true });
  assertObjectMatch(await stream.next(), { event: "message", id: undefined, data: { data: "cursor" } });
  const reading = stream.read();
  await eventually(() => Promise.resolve(stream.comments.length), (count) => count >= 2);
  await alice.publish("to end the read");
  assertEquals((await reading)?.data["data"], "to end the read");
  assertEquals(stream.comments.slice(0, 2), [": keep-alive", ": keep-alive"]);
});

Deno.test("12.11 an error frame is the event `problem` of a named stream: EventSource has an `error` of its own", () => {
  const frame = '{"type":"error","code":"unavailable"}';
  const text = createEventText({ from: { type: "live" }, isNamed: true })(frame);
  assertEquals(text, `event: problem\ndata: ${frame}\n\n`);
});

Deno.test("12.11 without events=named nothing has a name, and a keep-alive is a pong; another value is refused", async () => {
  await using running = await startServer({ env: { HEARTBEAT_MS: "100" } });
  await using stream = await EventReader.open(running);
  const seen = [await stream.next(), await stream.next(), await stream.next()];
  assertEquals(seen.map(({ event, data }) => [event, data["type"]]), [
    [undefined, "welcome"],
    [undefined, "presence"],
    [undefined, "pong"],
  ]);
  assertEquals(stream.comments, []);
  const token = await running.issuer.token("carol");
  const response = await fetch(`${running.origin}/realtime/rooms/r/events?token=${token}&events=typed`);
  const { code, field } = await response.json();
  assertEquals([response.status, code, field], [400, "invalid_request", "query.events"]);
});
