/** docs/protocol.md, rules 10.7 to 10.10: rates of requests, joins, refusals and frames. */
import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, type StartOptions, startServer } from "../support/running_server.ts";

const SECRET_KEY = "sb_secret_for_tests";
const JSON_BODY = { "content-type": "application/json" };

function start(env: NonNullable<StartOptions["env"]>): Promise<RunningServer> {
  return startServer({ env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }), ...env } });
}

async function bearer({ issuer }: RunningServer, user = "alice"): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await issuer.token(user)}` };
}

/** Sends the same request several times at once; returns the statuses, sorted. */
async function statuses(times: number, request: () => Promise<Response>): Promise<number[]> {
  const responses = await Promise.all(Array.from({ length: times }, request));
  await Promise.all(responses.map((response) => response.body?.cancel()));
  return responses.map(({ status }) => status).sort();
}

function publish({ origin }: RunningServer, headers: Record<string, string>): Promise<Response> {
  const body = JSON.stringify({ id: crypto.randomUUID(), event: "e", data: 1 });
  return fetch(`${origin}/realtime/rooms/r/messages`, {
    method: "POST",
    headers: { ...headers, ...JSON_BODY },
    body,
  });
}

Deno.test("10.7 requests of one user above the rate are 429, and others' are not", async () => {
  await using running = await start({ USER_REQUESTS_PER_SECOND: "1" });
  const alice = await bearer(running);
  const given = await statuses(8, () => publish(running, alice));
  assertEquals(given, [201, 201, 201, 201, 201, 429, 429, 429]);
  const refused = await fetch(`${running.origin}/realtime/rooms/x/presence`, { headers: alice });
  const problem = await refused.json();
  assertEquals([refused.status, problem.code], [429, "rate_limited"]);
  assertGreater(problem.retry_after_ms, 0);
  assertEquals(refused.headers.get("retry-after"), String(Math.ceil(problem.retry_after_ms / 1000)));
  assertEquals(await statuses(1, async () => publish(running, await bearer(running, "bob"))), [201]);
  for (const path of ["/health", "/health/ready"]) {
    assertEquals(await statuses(20, () => fetch(`${running.origin}/realtime${path}`)), Array(20).fill(200));
  }
});

Deno.test("10.7 every route of rooms counts, and answers carry RateLimit", async () => {
  await using running = await start({ USER_REQUESTS_PER_SECOND: "1" });
  const headers = await bearer(running);
  const left: (string | null)[] = [];
  for (const path of ["/messages", "/presence", "/events", "/messages?limit=no", ""]) {
    const response = await fetch(`${running.origin}/realtime/rooms/r${path}`, { headers });
    await response.body?.cancel();
    assertEquals(response.headers.get("ratelimit-policy"), '"user";q=5;w=5', path);
    assertMatch(response.headers.get("ratelimit") ?? "", /^"user";r=\d;t=[1-5]$/);
    left.push(response.headers.get("ratelimit")?.match(/r=(\d)/)?.[1] ?? null);
  }
  assertEquals(left[0], "4");
  assertEquals(await statuses(1, () => fetch(`${running.origin}/realtime/rooms/r`, { headers })), [429]);
});

Deno.test("10.7 secret keys have an allowance of their own", async () => {
  await using running = await start({ USER_REQUESTS_PER_SECOND: "1" });
  const alice = await bearer(running);
  await statuses(8, () => publish(running, alice));
  const given = await statuses(60, () => publish(running, { apikey: SECRET_KEY }));
  assertEquals(given.filter((status) => status === 201).length >= 50, true);
  assertEquals(given.at(-1), 429);
});

Deno.test("10.7 a user that was closed with 4429 waits over HTTP too", async () => {
  await using running = await start({ FRAMES_PER_SECOND: "1", FRAMES_BURST: "1" });
  await using flooding = await RoomClient.join(running, "r", { user: "alice" });
  for (let sent = 0; sent < 30; sent++) flooding.send({ type: "ping", id: "p" });
  assertEquals((await flooding.closed()).code, 4429);
  const response = await publish(running, await bearer(running));
  const { retry_after_ms } = await response.json();
  assertEquals(response.status, 429);
  assertGreater(retry_after_ms, 1_000);
});

Deno.test("10.8 joins of one user above the rate are 429, on sockets and event streams", async () => {
  await using running = await start({ JOINS_PER_SECOND: "1", JOINS_BURST: "2" });
  await using one = await RoomClient.join(running, "r");
  await using two = await RoomClient.join(running, "r");
  assertEquals([one.welcome.room, two.welcome.room], ["r", "r"]);
  const headers = await bearer(running);
  const response = await fetch(`${running.origin}/realtime/rooms/r/events`, { headers });
  assertEquals([response.status, (await response.json()).code], [429, "rate_limited"]);
  assertGreater(Number(response.headers.get("retry-after")), 0);
  await using other = await RoomClient.join(running, "r", { user: "bob" });
  assertEquals(other.welcome.user, "bob");
});

Deno.test("10.8 joins of all users above the isolate's rate are 503 with Retry-After", async () => {
  await using running = await start({ ISOLATE_JOINS_PER_SECOND: "1" });
  const codes: unknown[] = [];
  for (let user = 0; user < 12; user++) {
    const headers = await bearer(running, `u${user}`);
    const response = await fetch(`${running.origin}/realtime/rooms/r/events`, { headers });
    if (response.status === 200) {
      await response.body?.cancel();
      continue;
    }
    codes.push((await response.json()).code);
    assertGreater(Number(response.headers.get("retry-after")), 0);
  }
  assertGreater(codes.length, 0);
  assertEquals(new Set(codes), new Set(["overloaded"]));
});

Deno.test("10.9 refusals without a user are 429 above the rate, and good requests are not", async () => {
  await using running = await start({ REFUSED_REQUESTS_PER_SECOND: "1" });
  const given = await statuses(12, () => fetch(`${running.origin}/realtime/whoami`));
  assertEquals(given.slice(0, 5), Array(5).fill(401));
  assertEquals(given.at(-1), 429);
  const refused = await fetch(`${running.origin}/realtime/nothing`, {
    headers: { origin: "https://app.example" },
  });
  assertEquals([refused.status, (await refused.json()).code], [429, "rate_limited"]);
  assertEquals(refused.headers.get("www-authenticate"), null);
  assertEquals(refused.headers.get("access-control-allow-origin"), "*");
  const headers = await bearer(running);
  assertEquals(
    await statuses(20, () => fetch(`${running.origin}/realtime/whoami`, { headers })),
    Array(20).fill(200),
  );
});

Deno.test("10.10 messages to /echo above the rate are refused, and a flood is closed with 4429", async () => {
  await using running = await start({ FRAMES_PER_SECOND: "1", FRAMES_BURST: "2" });
  await using client = await SocketClient.open(await running.socketUrl("/echo"));
  for (let sent = 0; sent < 40; sent++) client.send("x");
  assertEquals(await client.next(), "Echo: x");
  assertEquals(await client.next(), "Echo: x");
  const { code, retry_after_ms } = JSON.parse(String(await client.next()));
  assertEquals(code, "rate_limited");
  assertGreater(retry_after_ms, 0);
  assertEquals((await client.closed()).code, 4429);
});

Deno.test("2.10 a page of another origin opens no event stream", async () => {
  await using running = await start({ ALLOWED_ORIGINS: "https://app.example" });
  const headers = await bearer(running);
  const answer = async (origin: string | undefined) => {
    const response = await fetch(`${running.origin}/realtime/rooms/r/events`, {
      headers: origin === undefined ? headers : { ...headers, origin },
    });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await answer("https://evil.example"), 403);
  assertEquals(await answer("null"), 403);
  assertEquals(await answer("https://app.example"), 200);
  assertEquals(await answer(undefined), 200);
});
