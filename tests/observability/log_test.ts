import { assert, assertEquals, assertFalse, assertLessOrEqual, assertMatch } from "@std/assert";
import {
  createLog,
  errorFields,
  type Log,
  type LogLevel,
} from "../../packages/server/src/observability/log.ts";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { rawGet } from "../../tools/support/wire/raw_request.ts";
import { type LogEvent, startServer } from "../support/running_server.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

/** Log whose clock the test sets. `using` closes it. */
class TestLog implements Disposable {
  now = Date.UTC(2026, 0, 1);
  /** Difference of the wall clock, which somebody may set. */
  steppedMs = 0;
  readonly lines: string[] = [];
  readonly levels: LogLevel[] = [];
  readonly log: Log;

  constructor(budget: number = 1_000_000, level: LogLevel = "debug") {
    this.log = createLog({
      level,
      budget,
      common: { isolate: "i-1" },
      write: (level, line) => {
        this.levels.push(level);
        this.lines.push(line);
      },
      now: () => this.now,
      wallNow: () => this.now + this.steppedMs,
    });
  }

  get events(): LogEvent[] {
    return this.lines.map((line) => JSON.parse(line));
  }

  countOf(event: string): number {
    return this.events.filter((line) => line["event"] === event).length;
  }

  [Symbol.dispose](): void {
    this.log.close();
  }
}

Deno.test("an event is one line of JSON with at, level, event, isolate and its fields", () => {
  using test = new TestLog();
  test.log.warn("thing.happened", { text: 'a\n"b"', count: 3, yes: true, none: undefined });
  assertEquals(test.lines.length, 1);
  assertFalse(test.lines[0]?.includes("\n"));
  assertEquals(test.events, [{
    at: "2026-01-01T00:00:00.000Z",
    level: "warn",
    event: "thing.happened",
    isolate: "i-1",
    text: 'a\n"b"',
    count: 3,
    yes: true,
  }]);
  assertEquals(test.levels, ["warn"]);
});

Deno.test("events below the level are not logged and not counted", () => {
  using test = new TestLog(10, "warn");
  for (let count = 0; count < 100; count++) test.log.info("quiet");
  test.log.debug("quiet");
  test.log.warn("loud");
  test.log.error("loud");
  test.log.close();
  assertEquals(test.events.map(({ event }) => event), ["loud", "loud"]);
});

Deno.test("1,000 info events in a window give at most 100 lines, and errors still get through", () => {
  using test = new TestLog(100);
  for (let count = 0; count < 1_000; count++) test.log.info("routine");
  for (let count = 0; count < 20; count++) test.log.error("trouble");
  assertLessOrEqual(test.lines.length, 100);
  assertEquals(test.countOf("trouble"), 20);
  test.log.close();
  assertLessOrEqual(test.lines.length, 100);
  const left = test.events.at(-1);
  assertEquals([left?.["level"], left?.["event"], left?.["count"], left?.["budget"]], [
    "warn",
    "log.left_out",
    1_000 - test.countOf("routine"),
    100,
  ]);
});

Deno.test("errors alone stay within the budget too, and the rest is counted", () => {
  using test = new TestLog(100);
  for (let count = 0; count < 500; count++) test.log.error("trouble");
  test.log.close();
  assertLessOrEqual(test.lines.length, 100);
  assertEquals(test.events.at(-1)?.["count"], 500 - test.countOf("trouble"));
});

Deno.test("the next window starts with the count of dropped events, and has its whole budget", () => {
  using test = new TestLog(100);
  for (let count = 0; count < 1_000; count++) test.log.info("first");
  const inFirst = test.lines.length;
  test.now += 9_999;
  test.log.info("first");
  assertEquals(test.lines.length, inFirst);
  test.now += 1;
  for (let count = 0; count < 1_000; count++) test.log.info("second");
  assertEquals(test.events[inFirst]?.["event"], "log.left_out");
  assertEquals(test.events[inFirst]?.["count"], 1_001 - inFirst);
  assertLessOrEqual(test.lines.length - inFirst, 100);
  assert(test.countOf("second") > 50);
  test.log.close();
  const droppedCounts = test.events.filter(({ event }) => event === "log.left_out").map(({ count }) =>
    Number(count)
  );
  assertEquals(
    droppedCounts.reduce((sum, count) => sum + count, 0),
    2_001 - test.countOf("first") - test.countOf("second"),
  );
});

Deno.test("a window without dropped events logs no count", () => {
  using test = new TestLog(100);
  test.log.info("one");
  test.now += 60_000;
  test.log.info("two");
  test.log.close();
  test.log.close();
  assertEquals(test.events.map(({ event }) => event), ["one", "two"]);
});

for (const hours of [-1, 1]) {
  Deno.test(`a wall clock that steps by ${hours} h changes the log's \`at\` and not its window`, () => {
    using test = new TestLog(100);
    for (let count = 0; count < 1_000; count++) test.log.info("before");
    test.steppedMs = hours * 3_600_000;
    test.log.info("in the same window");
    test.log.warn("stepped");
    assertEquals(test.countOf("in the same window"), 0);
    assertEquals(test.events.at(-1)?.["at"], new Date(test.now + test.steppedMs).toISOString());
    test.now += 10_000;
    test.log.info("in the next window");
    assertEquals(test.countOf("in the next window"), 1);
  });
}

Deno.test("anything that looks like a token is removed from every field", async () => {
  const issuer = await createIssuer();
  const token = await issuer.token("alice");
  const [header = "", payload = "", signature = ""] = token.split(".");
  using test = new TestLog();
  test.log.info("whole", { field: token });
  test.log.info("inside", { field: `GET /echo?token=${token}&x=1 failed for "${token}"` });
  test.log.info("cut", { field: token.slice(0, -20), other: `${header}.${payload}`, third: header });
  test.log.error("long", { field: "a".repeat(3_990) + token, stack: `Error: jwt-${token}\n  at x` });
  test.log.info(`event ${token}`);
  for (const line of test.lines) {
    for (const part of [header, payload, signature, payload.slice(0, 12)]) {
      assertFalse(line.includes(part), line);
    }
    JSON.parse(line);
  }
  assertMatch(test.lines[1] ?? "", /token=\[token\]&x=1 failed for \\"\[token\]\\"/);
});

Deno.test("a long field is cut and ends with its original length", () => {
  using test = new TestLog();
  test.log.info("long", { field: "a".repeat(50_000), short: "b" });
  const [event] = test.events;
  const field = String(event?.["field"]);
  assertMatch(field, /^a{1000,}… \(50000 characters\)$/);
  assertEquals(event?.["short"], "b");
  assertLessOrEqual(test.lines[0]?.length ?? NaN, 10_000);
});

Deno.test("no line is longer than the host's limit of 10,000 characters", () => {
  using test = new TestLog();
  test.log.error("many", { a: "a".repeat(50_000), b: "b".repeat(50_000), c: "c".repeat(50_000) });
  test.log.error("escaped", { error: "\u0000".repeat(4_000), stack: '"\n'.repeat(2_000) });
  for (const line of test.lines) {
    assertLessOrEqual(line.length, 10_000);
    JSON.parse(line);
  }
});

Deno.test("passwords of connection strings are masked in every field, whatever they contain", () => {
  using test = new TestLog();
  const message = (url: string) => errorFields(new TypeError(`Invalid URL: '${url}'`));
  for (const password of ["sesame", "ses/ame", "ses#ame", 'ses"ame', "ses@ame", "ses?a:me", "ses\\ame"]) {
    test.log.error("x", message(`postgres://user:${password}@host:5432/db`));
    test.log.warn("x", { field: `a postgresql://user:${password}@host/db?x=1 b` });
    test.log.info("x", message(`redis://:${password}@cache:6379/0`));
    test.log.info("x", { url: `rediss://user:${password}@cache` });
  }
  const lines = test.lines.map((line) =>
    String(JSON.parse(line).error ?? JSON.parse(line).field ?? JSON.parse(line).url)
  );
  assertEquals([...new Set(lines)], [
    "TypeError: Invalid URL: 'postgres://user:***@host:5432/db'",
    "a postgresql://user:***@host/db?x=1 b",
    "TypeError: Invalid URL: 'redis://:***@cache:6379/0'",
    "rediss://user:***@cache",
  ]);
  assertFalse(test.lines.join("").includes("ame"));
});

Deno.test("a cut does not uncover a password, and addresses without one stay", () => {
  using test = new TestLog();
  const long = "a".repeat(3_970);
  test.log.info("x", { field: `${long} postgres://user:sesame@host` });
  assertFalse(test.lines[0]?.includes("sesame"));
  const plain = "postgres://host:5432/db, redis://cache:6379 and https://a.example:80/?to=a@b";
  test.log.info("x", { field: plain });
  assertEquals(test.events[1]?.["field"], plain);
});

Deno.test("a request is logged with its id, route, status, user and duration, without query or token", async () => {
  await using running = await startServer();
  const token = await running.issuer.token("alice");
  const { headers } = await rawGet(running.port, `/realtime/whoami?token=${token}&secret=sesame`);
  await rawGet(running.port, `/realtime/rooms/private-room?token=${token}&secret=sesame`);
  await rawGet(running.port, "/realtime/nowhere/sesame");
  const [whoami, room, nowhere] = await running.logged("request", 3);
  assertEquals({ ...whoami, at: "", isolate: "", duration_ms: 0 }, {
    at: "",
    level: "info",
    event: "request",
    isolate: "",
    request_id: headers.get("x-request-id"),
    method: "GET",
    route: "/realtime/whoami",
    status: 200,
    user: "alice",
    duration_ms: 0,
  });
  assertEquals(typeof whoami?.["duration_ms"], "number");
  assertEquals([room?.["route"], room?.["status"], room?.["user"]], ["/realtime/rooms/:id", 400, "alice"]);
  assertEquals([nowhere?.["status"], nowhere?.["user"]], [404, undefined]);
  const written = JSON.stringify(running.logs);
  for (const text of ["sesame", "private-room", token, token.split(".")[1] ?? token]) {
    assertFalse(written.includes(text), text);
  }
});

Deno.test("a socket is logged when it opens and when it closes, under one id", async () => {
  await using running = await startServer();
  const client = await SocketClient.open(await running.socketUrl("/rooms/private-room"));
  client.close(4321, "sesame");
  await client.closed();
  const [open] = await running.logged("socket.open");
  const [close] = await running.logged("socket.close");
  assertEquals([open?.["route"], open?.["user"], open?.["connections"]], ["/realtime/rooms/:id", "alice", 1]);
  assertEquals([close?.["route"], close?.["user"], close?.["code"]], ["/realtime/rooms/:id", "alice", 4321]);
  assertEquals(close?.["request_id"], open?.["request_id"]);
  assertEquals(typeof close?.["duration_ms"], "number");
  const written = JSON.stringify(running.logs);
  for (const text of ["sesame", "private-room"]) assertFalse(written.includes(text), text);
  assertEquals(running.logs.filter(({ event }) => event === "request").length, 0);
});
