/** `createServer`: a server that others mount or listen with, over real sockets. */
import { assert, assertEquals, assertGreater, assertMatch, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { timing } from "hono/timing";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { createServer, realtime, type Server } from "../../packages/server/mod.ts";
import { ConfigError } from "../../packages/server/src/config/parse_config.ts";
import { app } from "../../supabase/functions/realtime/app.ts";
import { echo } from "../../supabase/functions/realtime/routes/echo.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

const issuer = await createIssuer();
const ENV = { SUPABASE_JWKS: JSON.stringify(issuer.jwks), LOG_LEVEL: "error", DRAIN_SECONDS: "1" };

/** A server of the test that listens on a free port. */
interface Listening extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  /** Address of a socket, with a token of the user. */
  socketUrl(path: string, user?: string): Promise<string>;
}

/** Listens with a server, or with what `mount` makes of it. */
function listen(
  server: Server,
  mount: (server: Server) => (request: Request) => Response | Promise<Response> = ({ fetch }) => fetch,
): Listening {
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, mount(server));
  const { port } = http.addr;
  return {
    server,
    port,
    async socketUrl(path, user = "alice") {
      return `ws://127.0.0.1:${port}${path}?token=${await issuer.token(user)}`;
    },
    async [Symbol.asyncDispose]() {
      await server.drain("test over");
      await server.close();
      await http.shutdown();
    },
  };
}

/** Checks health, an echo and a room below the base path. */
async function assertServes(listening: Listening, basePath = "/realtime"): Promise<void> {
  const health = await rawGet(listening.port, `${basePath}/health`);
  assertEquals([health.status, JSON.parse(health.body).status], [200, "ok"]);
  const refusal = await rawGet(listening.port, `${basePath}/echo`, HANDSHAKE);
  assertEquals([refusal.status, JSON.parse(refusal.body).code], [401, "missing_token"]);
  await using client = await SocketClient.open(await listening.socketUrl(`${basePath}/echo`));
  client.send("hello");
  assertEquals(await client.next(), "Echo: hello");
}

/** Checks that a message of one member reaches another. */
async function assertRoomDelivers(listening: Listening): Promise<void> {
  const room = "/realtime/rooms/lobby";
  await using alice = await SocketClient.open(await listening.socketUrl(room, "alice"));
  await using bob = await SocketClient.open(await listening.socketUrl(room, "bob"));
  assertEquals(JSON.parse(String(await bob.next())).type, "welcome");
  alice.send(JSON.stringify({ type: "publish", id: "1", event: "chat", data: { text: "hi" } }));
  for (;;) {
    const { type, data } = JSON.parse(String(await bob.next()));
    if (type === "presence" || type === "presence.diff") continue;
    assertEquals([type, data], ["message", { text: "hi" }]);
    return;
  }
}

Deno.test("a server is served by Deno.serve itself", async () => {
  await using listening = listen(createServer(app, { env: ENV }));
  await assertServes(listening);
  await assertRoomDelivers(listening);
});

Deno.test("a server is mounted in a larger Hono app", async () => {
  const larger = (server: Server) =>
    new Hono()
      .get("/", (c) => c.text("larger"))
      .all("/realtime/*", (c) => server.fetch(c.req.raw)).fetch;
  await using listening = listen(createServer(app, { env: ENV }), larger);
  await assertServes(listening);
  await assertRoomDelivers(listening);
  assertEquals((await rawGet(listening.port, "/")).body, "larger");
});

Deno.test("a larger app whose middleware sets headers is served with the app in it", async () => {
  const larger = new Hono().use(timing(), secureHeaders()).get("/", (c) => c.text("larger")).route("/", app);
  await using listening = listen(createServer(larger, { env: ENV }));
  await assertServes(listening);
  await assertRoomDelivers(listening);
  const response = await rawGet(listening.port, "/");
  assertEquals([response.body, response.headers.has("x-frame-options")], ["larger", true]);
});

Deno.test("an app with another base path is served below that", async () => {
  const live = realtime({ basePath: "/live" }).route("/echo", echo);
  await using listening = listen(createServer(live, { env: ENV }));
  await assertServes(listening, "/live");
  assertEquals((await rawGet(listening.port, "/realtime/health")).status, 404);
});

Deno.test("drain closes sockets with 1012, and refuses new ones with 503", async () => {
  await using listening = listen(createServer(app, { env: ENV }));
  const clients = await Promise.all(["/realtime/echo", "/realtime/rooms/lobby"].map(async (path) => {
    return await SocketClient.open(await listening.socketUrl(path));
  }));
  const drained = listening.server.drain("deployment");
  const refusal = await rawGet(
    listening.port,
    `/realtime/echo?token=${await issuer.token("bob")}`,
    HANDSHAKE,
  );
  assertEquals([refusal.status, JSON.parse(refusal.body).code], [503, "overloaded"]);
  assert(refusal.headers.has("retry-after"));
  const codes = await Promise.all(clients.map(async (client) => (await client.closed()).code));
  assertEquals(codes, [1012, 1012]);
  await drained;
  assertEquals((await rawGet(listening.port, "/realtime/health")).status, 200);
});

Deno.test("drain with SIGTERM spreads the closes over at most DRAIN_SECONDS", async () => {
  await using listening = listen(createServer(app, { env: ENV }));
  const url = await listening.socketUrl("/realtime/echo");
  const clients = await Promise.all(Array.from({ length: 20 }, () => SocketClient.open(url)));
  const drained = listening.server.drain("SIGTERM");
  const closes = await Promise.all(clients.map(async (client) => {
    const { code } = await client.closed();
    return { code, at: performance.now() };
  }));
  await drained;
  assertEquals(new Set(closes.map(({ code }) => code)), new Set([1012]));
  const times = closes.map(({ at }) => at);
  assertGreater(Math.max(...times) - Math.min(...times), 500);
});

Deno.test("a server that is closed at once leaves no timer", async () => {
  const server = createServer(app, { env: ENV });
  await server.close();
});

Deno.test("a wrong environment throws a ConfigError that names each variable", () => {
  const error = assertThrows(
    () => createServer(app, { env: { ...ENV, PORT: "http", DRAIN_SECONDS: "soon" } }),
    ConfigError,
  );
  assertMatch(error.message, /^PORT is "http"\. Allowed: /m);
  assertMatch(error.message, /^DRAIN_SECONDS is "soon"\. Allowed: /m);
});

Deno.test("an environment without keys throws a ConfigError that says what to set", () => {
  assertThrows(() => createServer(app, { env: {} }), ConfigError, "SUPABASE_JWKS");
});
