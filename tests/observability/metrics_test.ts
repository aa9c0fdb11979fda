import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

const SECRET_KEY = "sb_secret_of_this_test";

function startWithKey(): Promise<RunningServer> {
  return startServer({ env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }) } });
}

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
  const typed = new Set<string>();
  for (const line of text.trimEnd().split("\n")) {
    const type = line.match(/^# TYPE (\w+) (?:counter|gauge)$/)?.[1];
    if (type !== undefined) typed.add(type);
    if (line.startsWith("#")) continue;
    const [, sample = "", name = "", value = ""] = line.match(/^((\w+)(?:\{\w+="[\w.-]+"\})?) (\d+)$/) ?? [];
    assert(typed.has(name), `a sample without a type: ${line}`);
    samples.set(sample, Number(value));
  }
  return samples;
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
