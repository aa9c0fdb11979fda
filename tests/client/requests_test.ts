/** Requests: in order, in few messages, within the limits, repeated under the same id. */
import { assertEquals, assertRejects } from "@std/assert";
import { RoomError } from "../../packages/client/errors.ts";
import type { RequestFrame, Requests } from "../../packages/client/requests.ts";
import { welcomeFrame } from "./machine_world.ts";
import { ManualClock, rest } from "./manual_clock.ts";
import { createRequests } from "./sending_requests.ts";

const LIMITS = { frames_per_second: 100, frames_burst: 200, max_frame_bytes: 65_536, dedupe_seconds: 300 };

function publish(id: string, data: unknown = id): Extract<RequestFrame, { type: "publish" }> {
  return { type: "publish", id, event: "chat", data };
}

/** Requests, and every WebSocket message that they sent, as lists of frame ids. */
function createScene(): { requests: Requests; clock: ManualClock; sent: string[][]; begin(): void } {
  const clock = new ManualClock();
  const sent: string[][] = [];
  const requests = createRequests(clock, (frames) => sent.push(frames.map(({ id }) => id)));
  return {
    requests,
    clock,
    sent,
    begin() {
      requests.connected();
      requests.begin(welcomeFrame({ limits: LIMITS }), true);
    },
  };
}

const again = { again: true };

Deno.test("what is asked in one turn goes in one message, in order, when there is a connection", async () => {
  const { requests, sent, begin } = createScene();
  const asked = ["a", "b", "c"].map((id) => requests.ask(publish(id), again));
  await rest();
  assertEquals(sent, []);
  begin();
  await rest();
  assertEquals(sent, [["a", "b", "c"]]);
  for (const id of ["a", "b", "c"]) requests.answer({ type: "ack", id, offset: 1 });
  assertEquals((await Promise.all(asked)).map(({ id }) => id), ["a", "b", "c"]);
});

Deno.test("one message holds a hundred frames at most, and no more bytes than the server takes", async () => {
  const { requests, sent, begin } = createScene();
  for (let count = 0; count < 101; count++) void requests.ask(publish(`id-${count}`), again);
  begin();
  await rest();
  assertEquals(sent.map(({ length }) => length), [100, 1]);
  sent.length = 0;
  for (let count = 0; count < 3; count++) {
    void requests.ask(publish(`big-${count}`, "x".repeat(30_000)), again);
  }
  await rest();
  assertEquals(sent, [["big-0", "big-1"], ["big-2"]]);
});

Deno.test("a frame as large as the server takes goes; one byte more is refused here, naming the field", async () => {
  const { requests, sent, begin } = createScene();
  begin();
  const overhead = JSON.stringify(publish("fits", "")).length;
  void requests.ask(publish("fits", "x".repeat(65_536 - overhead)), again);
  await rest();
  assertEquals(sent, [["fits"]]);
  const refused = requests.ask(publish("over", "x".repeat(65_536 - overhead + 1)), again);
  const error = await assertRejects(() => refused, RoomError);
  assertEquals([error.code, error.field], ["too_large", "data"]);
  assertEquals(sent.length, 1);
});

Deno.test("what was not answered goes again on the next connection, in the order in which it was asked for", async () => {
  const { requests, sent, begin } = createScene();
  begin();
  const first = requests.ask(publish("a"), again);
  void requests.ask(publish("b"), again);
  void requests.ask(publish("c"), again);
  await rest();
  requests.answer({ type: "ack", id: "a", offset: 1 });
  await first;
  requests.end();
  void requests.ask(publish("d"), again);
  await rest();
  begin();
  await rest();
  assertEquals(sent, [["a", "b", "c"], ["b", "c", "d"]]);
});

Deno.test("what cannot wait is rejected without a connection, and when it breaks", async () => {
  const { requests, begin } = createScene();
  const once = { again: false };
  assertEquals((await assertRejects(() => requests.ask(publish("a"), once), RoomError)).code, "offline");
  begin();
  const asked = requests.ask(publish("b"), once);
  await rest();
  requests.end();
  assertEquals((await assertRejects(() => asked, RoomError)).code, "offline");
});

Deno.test("no more is sent than the server takes, and nothing is sent twice for it", async () => {
  const { requests, clock, sent, begin } = createScene();
  for (let count = 0; count < 400; count++) void requests.ask(publish(`id-${count}`), again);
  begin();
  await rest();
  assertEquals(sent.flat().length, 180);
  await clock.pass(1_000);
  assertEquals(sent.flat().length, 270);
  await clock.pass(2_000);
  assertEquals(sent.flat(), Array.from({ length: 400 }, (_, count) => `id-${count}`));
  assertEquals(clock.waiting, 0);
});

Deno.test("an error that may pass is waited out, and what came behind it keeps its place", async () => {
  const { requests, clock, sent, begin } = createScene();
  begin();
  void requests.ask(publish("a"), again);
  await rest();
  requests.answer({ type: "error", code: "unavailable", message: "away", id: "a", retry_after_ms: 1_000 });
  void requests.ask(publish("b"), again);
  await clock.pass(999);
  assertEquals(sent, [["a"]]);
  await clock.pass(1);
  assertEquals(sent, [["a"], ["a", "b"]]);
});

Deno.test("several that are refused go again in the order in which they were asked for, and newer ones only behind them", async () => {
  const { requests, clock, sent, begin } = createScene();
  begin();
  for (const id of ["a", "b", "c"]) void requests.ask(publish(id), again);
  await rest();
  const refuse = (id: string) =>
    requests.answer({ type: "error", code: "unavailable", message: "away", id, retry_after_ms: 1_000 });
  refuse("b");
  void requests.ask(publish("d"), again);
  await clock.pass(600);
  refuse("a");
  refuse("c");
  void requests.ask(publish("e"), again);
  await clock.pass(999);
  assertEquals(sent, [["a", "b", "c"]]);
  await clock.pass(1);
  assertEquals(sent, [["a", "b", "c"], ["a", "b", "c", "d", "e"]]);
});

Deno.test("a fault of the server's is tried five times, then told", async () => {
  const { requests, clock, sent, begin } = createScene();
  begin();
  const asked = requests.ask(publish("a"), again);
  const rejected = assertRejects(() => asked, RoomError);
  for (let tries = 0; tries < 5; tries++) {
    await rest();
    requests.answer({ type: "error", code: "internal", message: "a fault", id: "a", retry_after_ms: 10 });
    await clock.pass(10);
  }
  assertEquals((await rejected).code, "internal");
  assertEquals(sent.length, 5);
});

Deno.test("a refusal rejects with the code, the field and the text", async () => {
  const { requests, begin } = createScene();
  begin();
  const asked = requests.ask(publish("a"), again);
  await rest();
  requests.answer({
    type: "error",
    code: "invalid_frame",
    message: "too short",
    id: "a",
    field: "data.text",
  });
  const error = await assertRejects(() => asked, RoomError, "too short");
  assertEquals([error.code, error.field, error.retryAfterMs], ["invalid_frame", "data.text", undefined]);
});

Deno.test("one's own message that comes back counts as its ack, also before it is sent again", async () => {
  const { requests, sent, begin } = createScene();
  begin();
  const asked = requests.ask(publish("a"), again);
  await rest();
  requests.end();
  requests.delivered("a", 7);
  assertEquals((await asked).offset, 7);
  begin();
  await rest();
  assertEquals(sent, [["a"]]);
});

Deno.test("what was sent longer ago than retries are recognized is given up where the replay has a gap, and only there", async () => {
  const { requests, clock, sent } = createScene();
  requests.connected();
  requests.begin(welcomeFrame({ limits: LIMITS }), true);
  const asked = requests.ask(publish("a"), again);
  const rejected = assertRejects(() => asked, RoomError);
  await rest();
  requests.end();
  void requests.ask(publish("never-sent"), again);
  await clock.pass(299_999);
  requests.begin(welcomeFrame({ limits: LIMITS }), false);
  await rest();
  assertEquals(sent.at(-1), ["a", "never-sent"]);
  requests.end();
  await clock.pass(1);
  requests.begin(welcomeFrame({ limits: LIMITS }), true);
  await rest();
  assertEquals(sent.at(-1), ["a", "never-sent"]);
  requests.end();
  requests.begin(welcomeFrame({ limits: LIMITS }), false);
  await rest();
  assertEquals((await rejected).code, "outcome_unknown");
  assertEquals(sent.at(-1), ["never-sent"]);
});

Deno.test("a closed room takes nothing and says why, until it is open again", async () => {
  const { requests, begin, sent } = createScene();
  const asked = requests.ask(publish("a"), again);
  requests.closedBy = new RoomError("forbidden", "out");
  assertEquals((await assertRejects(() => asked, RoomError)).code, "forbidden");
  assertEquals((await assertRejects(() => requests.ask(publish("b"), again), RoomError)).code, "forbidden");
  requests.closedBy = null;
  void requests.ask(publish("c"), again);
  begin();
  await rest();
  assertEquals(sent, [["c"]]);
});

Deno.test("a call is sent once: offline without a connection, outcome_unknown if it was sent, and no retry", async () => {
  const { requests, begin, sent } = createScene();
  const once = { again: false };
  const call = (id: string) => requests.ask({ type: "call", id, method: "add", data: 1 }, once);
  const code = async (asked: Promise<unknown>) => (await assertRejects(() => asked, RoomError)).code;
  assertEquals(await code(call("early")), "offline");
  requests.connected();
  const unsent = code(call("unsent"));
  requests.end();
  assertEquals(await unsent, "offline");
  begin();
  const lost = code(call("lost"));
  const limited = code(call("limited"));
  await rest();
  requests.answer({ type: "error", id: "limited", code: "rate_limited", message: "wait", retry_after_ms: 1 });
  requests.end();
  assertEquals([await lost, await limited], ["outcome_unknown", "rate_limited"]);
  begin();
  await rest();
  assertEquals(sent, [["lost", "limited"]]);
});
