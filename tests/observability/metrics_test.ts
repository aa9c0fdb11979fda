import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Histogram } from "../../packages/server/src/observability/histogram.ts";
import { Metrics } from "../../packages/server/src/observability/metrics.ts";
import { VERSION } from "../../packages/server/src/version.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

const SECRET_KEY = "sb_secret_of_this_test";

function startWithKey(): Promise<RunningServer> {
  return startServer({ env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }) } });
}

/** One line: name, labels, value. */
const SAMPLE = /^((\w+)(?:\{(?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)+\})?) (\d+(?:\.\d+)?)$/;

/** Reads the samples by name and labels, and checks Prometheus' text format. */
async function scrape(running: RunningServer): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${running.origin}/realtime/metrics`, { headers: { apikey: SECRET_KEY } });
  assertEquals([response.status, response.headers.get("content-type")], [
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  const text = await response.text();
  assert(text.endsWith("\n"));
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.trimEnd().split("\n")) {
    const [, typed, type] = line.match(/^# TYPE (\w+) (counter|gauge|histogram)$/) ?? [];
    if (typed !== undefined && type !== undefined) types.set(typed, type);
    if (line.startsWith("#")) continue;
    const [, sample = "", name = "", value = ""] = line.match(SAMPLE) ?? [];
    const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
    assertEquals(types.has(family), true, `a sample without a type: ${line}`);
    assertEquals(types.get(family) === "histogram", family !== name, line);
    samples.set(sample, Number(value));
  }
  return samples;
}

/** Lists the values of a metric's label. */
function labelValues(samples: ReadonlyMap<string, number>, name: string, label: string): string[] {
  const values = [...samples.keys()].filter((sample) => sample.startsWith(`realtime_${name}{`))
    .flatMap((sample) => sample.match(`[{,]${label}="([^"]*)"`)?.[1] ?? []);
  return [...new Set(values)];
}

Deno.test("the metrics count connections, frames, messages, deliveries, errors and closes", async () => {
  await using running = await startWithKey();
  const before = await scrape(running);
  assertEquals(before.get("realtime_connections_opened_total"), 0);
  {
    await using alice = await RoomClient.join(running, "r");
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain: true });
    await using carol = await RoomClient.join(running, "other", { user: "carol" });
    await alice.publish(1, { id: "once" });
    await alice.publish(1, { id: "once" });
    await alice.publish(2, { ephemeral: true });
    bob.sendRaw("nonsense");
    await bob.next("error");
    await carol.takeAll();
    const during = await scrape(running);
    const expected = {
      realtime_connections: 3,
      realtime_rooms: 2,
      realtime_members: 3,
      realtime_connections_opened_total: 3,
      realtime_frames_received_total: 5,
      realtime_published_total: 1,
      realtime_emitted_total: 1,
      realtime_deliveries_total: 4,
      'realtime_errors_total{code="invalid_frame"}': 1,
    };
    for (const [name, value] of Object.entries(expected)) {
      assertEquals([name, during.get(name)], [name, value]);
    }
  }
  await running.logged("socket.close", 3);
  const after = await scrape(running);
  assertEquals(after.get("realtime_connections"), 0);
  assertEquals(after.get("realtime_rooms"), 0);
  assertEquals(after.get('realtime_connections_closed_total{code="1005"}'), 3);
  assertEquals(after.get('realtime_http_responses_total{status="200"}'), 2);
  assertEquals(after.get('realtime_http_responses_total{status="101"}'), 3);
  assertEquals(after.get('realtime_handshake_seconds_count{route="/realtime/rooms/:id"}'), 3);
  assertEquals(after.get('realtime_publish_ack_seconds_bucket{le="+Inf"}'), 2);
  assertEquals(after.get('realtime_http_request_seconds_count{method="GET",route="/realtime/metrics"}'), 2);
});

Deno.test("only a secret key can read the metrics", async () => {
  await using running = await startWithKey();
  const address = `${running.origin}/realtime/metrics`;
  const token = await running.issuer.token("alice");
  const attempts: [HeadersInit, number, string][] = [
    [{}, 401, "missing_token"],
    [{ authorization: `Bearer ${token}` }, 403, "forbidden"],
    [{ apikey: `${SECRET_KEY}x` }, 401, "invalid_token"],
  ];
  for (const [headers, status, code] of attempts) {
    const response = await fetch(address, { headers });
    const body = await response.text();
    assertEquals(response.status, status);
    assertStringIncludes(body, `"code":"${code}"`);
    assertEquals(body.includes(token.slice(-12)) || body.includes("sb_secret"), false);
  }
  const asBearer = await fetch(address, { headers: { authorization: `Bearer ${SECRET_KEY}` } });
  assertEquals(asBearer.status, 200);
  await asBearer.body?.cancel();
});

Deno.test("peers cannot add values of labels: close codes, methods and paths that they invent share one", async () => {
  await using running = await startWithKey();
  for (let code = 3000; code < 3030; code++) {
    const client = await SocketClient.open(await running.socketUrl("/echo"));
    client.close(code, "invented");
    await client.closed();
  }
  await running.logged("socket.close", 30);
  for (let index = 0; index < 30; index++) {
    const response = await fetch(`${running.origin}/realtime/nothing-${index}?x=${index}`, {
      method: `M${index}`,
    });
    await response.body?.cancel();
  }
  const samples = await scrape(running);
  assertEquals(labelValues(samples, "connections_closed_total", "code"), ["other"]);
  assertEquals(samples.get('realtime_connections_closed_total{code="other"}'), 30);
  assertEquals(labelValues(samples, "http_request_seconds_bucket", "method"), ["other"]);
  assertEquals(labelValues(samples, "http_request_seconds_bucket", "route"), ["/*"]);
});

Deno.test("refusals count by code: of requests, of handshakes, and of sockets after the route", async () => {
  await using running = await startServer({
    env: {
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }),
      MAX_CONNECTIONS_PER_USER: "1",
    },
  });
  const get = async (path: string, headers: HeadersInit = {}) => {
    const response = await fetch(`${running.origin}/realtime${path}`, { headers });
    await response.body?.cancel();
  };
  const authorization = `Bearer ${await running.issuer.token("alice")}`;
  await get("/whoami");
  await get("/whoami?token=nonsense");
  await get("/nowhere");
  await get("/echo", { authorization });
  await get("/rooms/r/messages?limit=x", { authorization });
  await using _first = await SocketClient.open(await running.socketUrl("/echo"));
  await assertRejects(async () => await SocketClient.open(await running.socketUrl("/echo")));
  const samples = await scrape(running);
  const refusals = [...samples].filter(([name]) => name.startsWith("realtime_refusals_total"));
  assertEquals(Object.fromEntries(refusals), {
    'realtime_refusals_total{code="missing_token"}': 1,
    'realtime_refusals_total{code="invalid_token"}': 1,
    'realtime_refusals_total{code="not_found"}': 1,
    'realtime_refusals_total{code="expected_websocket"}': 1,
    'realtime_refusals_total{code="invalid_request"}': 1,
    'realtime_refusals_total{code="too_many_connections"}': 1,
  });
  assertEquals(samples.get('realtime_handshake_seconds_count{route="/realtime/echo"}'), 1);
});

Deno.test("the metrics say what runs, and which dependencies answer; one that hangs delays them a second", async () => {
  const hanging = Promise.withResolvers<void>();
  await using running = await startServer({
    env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }) },
    deps: {
      dependencies: [
        { name: "backplane", check: () => Promise.resolve() },
        { name: "away", check: () => Promise.reject(new Error("away")) },
        { name: "hanging", check: () => hanging.promise },
      ],
    },
  });
  const samples = await scrape(running);
  assertEquals(
    [..."backplane away hanging".split(" ")].map((name) =>
      samples.get(`realtime_dependency_up{dependency="${name}"}`)
    ),
    [1, 0, 0],
  );
  const isolate = running.engine.connections.id;
  const build = `realtime_build_info{version="${VERSION}",deno="${Deno.version.deno}",isolate="${isolate}"}`;
  assertEquals(samples.get(build), 1);
  hanging.resolve();
});

Deno.test("the buckets of a histogram count the durations up to their bounds", () => {
  const histogram = new Histogram();
  for (const ms of [0, 0, 2, 3, 10, 9_999, 60_000]) histogram.observe(ms);
  const buckets = histogram.samples({ route: "/x" });
  const at = (le: string) => buckets.find(({ labels }) => labels?.["le"] === le)?.value;
  assertEquals(["0.002", "0.005", "0.01", "5", "10", "+Inf"].map(at), [3, 4, 5, 5, 6, 7]);
  assertEquals(buckets.slice(-2), [
    { suffix: "_sum", labels: { route: "/x" }, value: 70.014 },
    { suffix: "_count", labels: { route: "/x" }, value: 7 },
  ]);
});

Deno.test("a label with too many values keeps the first hundred", () => {
  const metrics = new Metrics();
  for (let index = 0; index < 150; index++) metrics.responded(200, "GET", `/own/${index}`, 1);
  const text = metrics.text({
    build: {},
    dependencies: [],
    isolateAgeSeconds: 0,
    connections: 0,
    rooms: 0,
    members: 0,
  });
  assertEquals(text.match(/http_request_seconds_count\{/g)?.length, 101);
  assertStringIncludes(text, 'realtime_http_request_seconds_count{method="GET",route="other"} 50\n');
});

Deno.test("a backplane that is away is down, and its lost connections are counted", async () => {
  await using running = await startServer({
    env: {
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }),
      REDIS_URL: "redis://127.0.0.1:1",
    },
  });
  const before = await scrape(running);
  assertEquals(before.get('realtime_dependency_up{dependency="backplane"}'), 0);
  await running.logged("backplane.lost");
  const after = await scrape(running);
  assert((after.get('realtime_backplane_events_total{event="lost"}') ?? 0) > 0);
});
