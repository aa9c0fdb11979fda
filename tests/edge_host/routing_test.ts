/**
 * Routing to a function behind the edge host (docs/edge-host.md): paths, headers, sockets, isolates
 * in turn.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { PROBE, REALTIME, startEdgeFixture } from "./edge_fixture.ts";

Deno.test("the function gets its own path, the query, the body and the client's address", async () => {
  await using fixture = await startEdgeFixture(PROBE);
  const body = "x".repeat(200_000);
  const response = await fetch(fixture.url("/some/path?a=1"), {
    method: "POST",
    body,
    headers: { "x-forwarded-for": "203.0.113.9" },
  });
  const seen = await response.json();
  assertEquals(response.headers.get("connection"), "close");
  assertEquals([seen.pathname, seen.query, seen.method], ["/probe/some/path", "a=1", "POST"]);
  assert(seen.body === body);
  assertEquals(seen.forwarded, "203.0.113.9, 127.0.0.1");
});

Deno.test("the function sees its isolate's id and the host's variables, and nothing of the shell's", async () => {
  Deno.env.set("EDGE_HOST_TEST_SECRET", "not for the function");
  try {
    await using fixture = await startEdgeFixture(PROBE, {
      env: { GREETING: "hello" },
      region: "eu-central-1",
    });
    const { env, worker } = await (await fetch(fixture.url("/env"))).json();
    const { isolate } = await fixture.until("booted");
    assertEquals(
      [env.SB_EXECUTION_ID, env.SB_REGION, env.DENO_DEPLOYMENT_ID, env.GREETING, env.EDGE_HOST_TEST_SECRET],
      [isolate, "eu-central-1", "local_probe_1", "hello", undefined],
    );
    assertEquals(worker, false);
  } finally {
    Deno.env.delete("EDGE_HOST_TEST_SECRET");
  }
});

Deno.test("a function cannot write files or start processes", async () => {
  await using fixture = await startEdgeFixture(PROBE);
  const file = `${Deno.env.get("TMPDIR") ?? "/tmp"}/edge-host-${crypto.randomUUID()}`;
  assertEquals(await (await fetch(fixture.url(`/write?file=${file}`))).text(), "NotCapable");
  await assertRejects(() => Deno.stat(file), Deno.errors.NotFound);
  assertEquals(await (await fetch(fixture.url("/run"))).text(), "NotCapable");
});

Deno.test("a path of another function is not found", async () => {
  await using fixture = await startEdgeFixture(PROBE);
  const response = await fetch(`${fixture.host.origin}/functions/v1/other`);
  assertEquals(response.status, 404);
  assertEquals((await response.json()).code, "NOT_FOUND");
  assertEquals(fixture.events, []);
});

Deno.test("new connections go to the configured number of isolates in turn", async () => {
  await using fixture = await startEdgeFixture(PROBE, { isolates: 2 });
  const ids: string[] = [];
  for (let n = 0; n < 4; n++) {
    const { env } = await (await fetch(fixture.url("/env"))).json();
    ids.push(env.SB_EXECUTION_ID);
  }
  assertEquals(new Set(ids).size, 2);
  assertEquals([ids[0], ids[1]], [ids[2], ids[3]]);
});

Deno.test("requests during the start of an isolate wait for it", async () => {
  await using fixture = await startEdgeFixture(PROBE);
  const answers = await Promise.all(
    Array.from(
      { length: 5 },
      async () => (await (await fetch(fixture.url("/env"))).json()).env.SB_EXECUTION_ID,
    ),
  );
  assertEquals(new Set(answers).size, 1);
});

Deno.test("the real function answers HTTP and opens sockets through the host", async () => {
  const issuer = await createIssuer();
  await using fixture = await startEdgeFixture(REALTIME, {
    env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks) },
  });
  const token = await issuer.token("alice");
  const response = await fetch(fixture.url("/whoami"), { headers: { authorization: `Bearer ${token}` } });
  assertEquals((await response.json()).id, "alice");

  await using echo = await SocketClient.open(fixture.socketUrl(`/echo?token=${token}`));
  echo.send("hello");
  assertEquals(await echo.next(), "Echo: hello");
  assertEquals(fixture.host.isolates.map(({ sockets }) => sockets), [1]);
});

Deno.test("an upgrade that the function refuses is answered with 502, as the host does", async () => {
  const issuer = await createIssuer();
  await using fixture = await startEdgeFixture(REALTIME, {
    env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks) },
  });
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: fixture.host.port });
  const lines = [
    "GET /functions/v1/realtime/echo HTTP/1.1",
    "Host: x",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  ];
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  const text = await new Response(connection.readable).text();
  assertMatch(text, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
  await writer.close().catch(() => {});
});
