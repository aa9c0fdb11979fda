import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { createLog } from "../../packages/server/src/observability/log.ts";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

const SECRET_KEY = "sb_secret_for_tests";
const DEFAULT_BUDGET = "100";

function start(): Promise<RunningServer> {
  return startServer({
    env: { LOG_BUDGET: DEFAULT_BUDGET, SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }) },
  });
}

async function get({ origin }: RunningServer, path: string, headers: HeadersInit = {}): Promise<void> {
  const response = await fetch(`${origin}/realtime${path}`, { headers });
  await response.body?.cancel();
}

/** Joins and leaves as `bob`, and reads the metrics with a secret key. */
async function useServer(running: RunningServer): Promise<void> {
  {
    await using member = await RoomClient.join(running, "r", { user: "bob" });
    assertEquals(member.welcome.user, "bob");
  }
  await running.logged("socket.close");
  await get(running, "/metrics", { apikey: SECRET_KEY });
}

function assertNothingIsHidden({ logs }: RunningServer): void {
  for (const event of ["socket.open", "socket.close"]) {
    assertEquals(logs.filter((line) => line["event"] === event && line["user"] === "bob").length, 1, event);
  }
  assertEquals(logs.filter((line) => line["secret_key"] === true).length, 1);
  assertLessOrEqual(logs.length, Number(DEFAULT_BUDGET));
}

Deno.test("requests without a user do not push sockets and secret keys out of the log, and are summed up", async () => {
  await using running = await start();
  for (let count = 0; count < 80; count++) await get(running, "/nothing");
  for (let count = 0; count < 5; count++) await get(running, "/whoami");
  await useServer(running);
  assertNothingIsHidden(running);
  assertEquals(running.logs.filter(({ event, status }) => event === "request" && status === 404).length, 10);
  running.engine.deps.refusalLog.close();
  const [summary] = await running.logged("requests.refused");
  assertEquals([summary?.["level"], summary?.["count"]], ["warn", 75]);
  assertEquals(summary?.["requests"], "GET /* 404: 70; GET /realtime/whoami 401: 5");
});

Deno.test("requests of a user do not push sockets and secret keys out of the log", async () => {
  await using running = await start();
  const headers = { authorization: `Bearer ${await running.issuer.token("mallory")}` };
  for (let count = 0; count < 120; count++) await get(running, "/whoami", headers);
  await useServer(running);
  assertNothingIsHidden(running);
});

Deno.test("log.left_out counts by the name of the event, up to twenty names", () => {
  const lines: string[] = [];
  const log = createLog({
    level: "info",
    budget: 10,
    common: {},
    write: (_level, line) => void lines.push(line),
    now: () => 0,
    wallNow: () => 0,
  });
  for (let count = 0; count < 10; count++) log.info("request");
  for (let count = 0; count < 10; count++) log.info("socket.open");
  for (let count = 0; count < 30; count++) log.info(`own.${count}`);
  log.close();
  const { event, count, events } = JSON.parse(lines.at(-1) ?? "");
  assertEquals([event, count], ["log.left_out", 6 + 7 + 30]);
  assert(events.startsWith("request 6, socket.open 7, own.0 1,"), events);
  assert(events.endsWith("own.17 1, others 12"), events);
});

Deno.test("characters that change how a terminal shows a line are escaped", () => {
  const lines: string[] = [];
  const write = (_level: string, line: string) => void lines.push(line);
  const log = createLog({ level: "info", budget: 100, common: {}, write, now: () => 0, wallNow: () => 0 });
  const user = "a\u009b31m\u202eb\u2066c\u2028d\u007fé😀";
  log.info("socket.open", { user });
  const [line = ""] = lines;
  assert(!/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(line), line);
  assertEquals(JSON.parse(line).user, user);
  assert(line.includes("\\u009b31m\\u202eb"));
});
