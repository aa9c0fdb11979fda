import { assert, assertEquals } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { startFunctionProcess } from "../../tools/support/processes/function_process.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { OtlpCollector } from "../support/otlp_collector.ts";

/** Deno has OpenTelemetry without a flag since 2.4; the hosted runtime's 2.1.4 has none. */
const isWithoutOpenTelemetry = Deno.version.deno.startsWith("2.1.");

const SECRET_KEY = "sb_secret_of_the_spans_test";
const PUBLISHABLE_KEY = "sb_publishable_of_the_spans_test";
const TICKET = `rt_ticket_${"T".repeat(43)}`;
const OPAQUE_TOKEN = "opaque-token-of-the-spans-test";
const TRACE = "0af7651916cd43dd8448eb211c80319c";

Deno.test({
  name: "with Deno's OpenTelemetry on, spans carry the route, and no token leaves the process",
  ignore: isWithoutOpenTelemetry,
  async fn() {
    const issuer = await createIssuer();
    const token = await issuer.token("alice");
    await using collector = new OtlpCollector();
    await using process = await startFunctionProcess({
      env: {
        ...collector.env,
        SUPABASE_JWKS: JSON.stringify(issuer.jwks),
        SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }),
      },
    });
    const at = `127.0.0.1:${process.port}/realtime`;
    const requests: [path: string, init?: RequestInit][] = [
      [`/whoami?token=${token}`, { headers: { traceparent: `00-${TRACE}-b7ad6b7169203331-01` } }],
      [`/whoami?x=1&%74oken=${token}&jwt=${token}`],
      [`/whoami?token=${OPAQUE_TOKEN}`],
      [`/whoami?token=${SECRET_KEY}`],
      [`/whoami?apikey=${OPAQUE_TOKEN}`],
      [`/whoami?%61pikey=${token}`],
      [`/nothing/${PUBLISHABLE_KEY}?apikey=${PUBLISHABLE_KEY}`],
      [`/nothing/${token}?token=${token}`],
      [`/nothing/${TICKET}?%74icket=${TICKET}`],
      [`/whoami?ticket=${TICKET}`, { headers: { accept: "text/event-stream" } }],
      [`/rooms/lobby/messages?token=${token}&limit=1`],
      [`/whoami?token=${token}`, { method: "HEAD" }],
      ["/metrics", { headers: { apikey: SECRET_KEY } }],
    ];
    for (const [path, init] of requests) {
      const response = await fetch(`http://${at}${path}`, init ?? {});
      await response.body?.cancel();
    }
    const sockets: [path: string, protocols?: string[]][] = [
      [`/echo?token=${token}`],
      [`/rooms/lobby?jwt=${token}`],
      ["/rooms/lobby", ["realtime.v1", `jwt-${token}`]],
    ];
    for (const [path, protocols] of sockets) {
      await using _client = await SocketClient.open(`ws://${at}${path}`, protocols);
    }
    const count = requests.length + sockets.length;
    await collector.received(count, ["/v1/traces", "/v1/metrics", "/v1/logs"]);

    const spans = collector.serverSpans;
    const routes = spans.map(({ name, attributes }) => {
      const [, method] = attributes.find(([key]) => key === "http.request.method") ?? [];
      const [, route] = attributes.find(([key]) => key === "http.route") ?? [];
      assertEquals(name, `${method} ${route}`);
      return name;
    });
    assertEquals(routes.toSorted(), [
      "GET /*",
      "GET /*",
      "GET /*",
      "GET /realtime/echo",
      "GET /realtime/metrics",
      "GET /realtime/rooms/:id",
      "GET /realtime/rooms/:id",
      "GET /realtime/rooms/:id/messages",
      "GET /realtime/whoami",
      "GET /realtime/whoami",
      "GET /realtime/whoami",
      "GET /realtime/whoami",
      "GET /realtime/whoami",
      "GET /realtime/whoami",
      "GET /realtime/whoami",
      "HEAD /realtime/whoami",
    ]);
    assert(spans.some(({ traceId }) => traceId === TRACE), "no span belongs to the caller's trace");
    const queries = spans.flatMap(({ attributes }) => attributes.filter(([key]) => key === "url.query"));
    // The rest of the query is still there.
    assertEquals(queries.map(([, value]) => value).filter((value) => value !== "").toSorted(), [
      "limit=1",
      "x=1",
    ]);

    const [header = "", payload = "", signature = ""] = token.split(".");
    for (const { path, text } of collector.bodies) {
      for (const secret of [header, payload, signature, OPAQUE_TOKEN, SECRET_KEY, PUBLISHABLE_KEY, TICKET]) {
        assert(!text.includes(secret), `${path} was sent ${secret}`);
      }
    }
  },
});

Deno.test("the log carries a valid traceparent of the caller, and nothing else from that header", async () => {
  const issuer = await createIssuer();
  await using process = await startFunctionProcess({ env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks) } });
  const address = `http://127.0.0.1:${process.port}/realtime/whoami?token=${await issuer.token("alice")}`;
  const valid = `00-${TRACE}-b7ad6b7169203331-01`;
  const headers = [
    valid,
    valid.toUpperCase(),
    `01-${TRACE}-b7ad6b7169203331-01`,
    "eyJhbGciOi",
    "",
    `${valid}-x`,
  ];
  for (const traceparent of headers) {
    const response = await fetch(address, { headers: { traceparent } });
    await response.body?.cancel();
  }
  await process.logged("request");
  const { status } = await rawGet(process.port, `/realtime/echo?token=${await issuer.token("alice")}`, [
    ...HANDSHAKE,
    `traceparent: ${valid}`,
  ]);
  assertEquals(status, 101);
  assertEquals((await process.logged("socket.open"))["traceparent"], valid);
  const logged = process.stdout.map((line) => JSON.parse(line)).filter(({ event }) => event === "request");
  assertEquals(logged.map(({ traceparent }) => traceparent), [
    valid,
    ...headers.slice(1).map(() => undefined),
  ]);
});
