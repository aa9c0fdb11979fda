import { assert, assertEquals, assertFalse, assertMatch, assertRejects } from "@std/assert";
import { Hono, type MiddlewareHandler } from "hono";
import { compress } from "hono/compress";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { logger } from "hono/logger";
import { poweredBy } from "hono/powered-by";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { timing } from "hono/timing";
import type { AppEnv } from "../../packages/server/src/http/context.ts";
import type { Fetcher } from "../../packages/server/src/host/request_handler.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { createApp, startServer } from "../support/running_server.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

/** Middleware, each with a header that shows on `/health` that it ran. */
const MIDDLEWARE: Record<string, { create: () => MiddlewareHandler; mark: string | undefined }> = {
  cors: { create: () => cors(), mark: "access-control-allow-origin" },
  secureHeaders: { create: () => secureHeaders(), mark: "x-frame-options" },
  timing: { create: () => timing(), mark: "server-timing" },
  poweredBy: { create: () => poweredBy(), mark: "x-powered-by" },
  logger: { create: () => logger(() => {}), mark: undefined },
  requestId: { create: () => requestId(), mark: "x-request-id" },
  compress: { create: () => compress(), mark: undefined },
  etag: { create: () => etag(), mark: "etag" },
};

type Placement = (middleware: readonly MiddlewareHandler[]) => () => Fetcher;

const inFront: Placement = (middleware) => () => {
  const app = createApp();
  const parent = new Hono<AppEnv>();
  for (const handler of middleware) parent.use(handler);
  return parent.route("/", app);
};

/** Positions of a middleware relative to the socket routes. */
const PLACES: Record<string, Placement> = {
  "in front of the app": inFront,
  "added after the routes": (middleware) => () => {
    const app = createApp();
    for (const handler of middleware) app.use("/*", handler);
    return app;
  },
  "around a mounted app": (middleware) => () => {
    const app = createApp();
    const parent = new Hono<AppEnv>();
    for (const handler of middleware) parent.use(handler);
    return parent.mount("/", app.fetch, { replaceRequest: (request) => request });
  },
};

async function assertUpgrades(app: () => Fetcher): Promise<void> {
  await using running = await startServer({ app });
  await using client = await SocketClient.open(await running.socketUrl("/echo"));
  client.send("still here");
  assertEquals(await client.next(), "Echo: still here");
  assertEquals(
    (await fetch(`${running.origin}/realtime/health`).then((response) => response.json())).status,
    "ok",
  );
}

for (const [place, mount] of Object.entries(PLACES)) {
  for (const [name, { create }] of Object.entries(MIDDLEWARE)) {
    Deno.test(`an upgrade works with ${name} ${place}`, () => assertUpgrades(mount([create()])));
  }
  Deno.test(`an upgrade works with all middleware ${place}`, () =>
    assertUpgrades(mount(Object.values(MIDDLEWARE).map(({ create }) => create()))));
}

Deno.test("the middleware of these tests runs: each sets its header on a plain response", async () => {
  for (const [name, { create, mark }] of Object.entries(MIDDLEWARE)) {
    if (mark === undefined) continue;
    await using running = await startServer({ app: inFront([create()]) });
    const response = await fetch(`${running.origin}/realtime/health`);
    await response.body?.cancel();
    assert(response.headers.has(mark), `${name} left no ${mark}`);
  }
});

Deno.test("a chain that does not end with 101 opens no socket", async () => {
  const refuses: MiddlewareHandler = async (c, next) => {
    await next();
    c.res = new Response("not today", { status: 418 });
  };
  await using running = await startServer({ app: inFront([refuses]) });
  const target = new URL((await running.socketUrl("/echo")).replace("ws:", "http:"));
  const response = await rawGet(running.port, target.pathname + target.search, HANDSHAKE);
  assertEquals(response.status, 418);
  assertEquals(running.engine.connections.count, 0);
});

Deno.test("a middleware that throws after the route opens no socket and answers 500", async () => {
  const fails: MiddlewareHandler = async (_c, next) => {
    await next();
    throw new Error("too late");
  };
  await using running = await startServer({ app: inFront([fails]) });
  const target = new URL((await running.socketUrl("/echo")).replace("ws:", "http:"));
  const response = await rawGet(running.port, target.pathname + target.search, HANDSHAKE);
  assertEquals(response.status, 500);
  assertEquals(running.engine.connections.count, 0);
});

Deno.test("Hono's logger sees the address without the token", async () => {
  const lines: string[] = [];
  await using running = await startServer({ app: inFront([logger((line) => lines.push(line))]) });
  const token = await running.issuer.token("alice");
  const response = await fetch(`${running.origin}/realtime/whoami?token=${token}&color=blue`);
  await response.body?.cancel();
  assertEquals(response.status, 200);
  assertMatch(lines.join("\n"), /\/realtime\/whoami\?color=blue/);
  assertFalse(lines.join("\n").includes(token.slice(-20)));
});

Deno.test("a middleware that clones a handshake sees no token, and the upgrade works", async () => {
  const addresses: string[] = [];
  const clones: MiddlewareHandler = async (c, next) => {
    addresses.push(
      c.req.url,
      c.req.raw.url,
      c.req.raw.clone().url,
      c.req.raw.clone().headers.get("upgrade") ?? "",
    );
    await next();
  };
  await using running = await startServer({ app: inFront([clones]) });
  await using client = await SocketClient.open(await running.socketUrl("/echo"));
  client.send("x");
  assertEquals(await client.next(), "Echo: x");
  const address = `${running.origin}/realtime/echo`;
  assertEquals(addresses, [address, address, address, "websocket"]);
});

Deno.test("an app that is served without the engine fails with the next step in its error", async () => {
  await using running = await startServer();
  const token = await running.issuer.token("alice");
  const failure = await assertRejects(async () =>
    await createApp().request("/realtime/echo", {
      headers: { authorization: `Bearer ${token}`, upgrade: "websocket" },
    })
  );
  assertMatch(String(failure), /Serve it through serve\(app\) or createServer\(app\)/);
});
