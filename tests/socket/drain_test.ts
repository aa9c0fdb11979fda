import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { deadline } from "@std/async";
import { endpoint } from "../../packages/server/src/http/endpoint.ts";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { upgradeWebSocket } from "../../packages/server/src/http/middleware/upgrade.ts";
import type { Socket } from "../../packages/server/src/socket/socket.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { RawSocket, requestHead } from "../../tools/support/wire/raw_socket.ts";
import { createApp, type RunningServer, startServer } from "../support/running_server.ts";
import { PATIENCE_MS, SocketClient } from "../../tools/support/wire/socket_client.ts";
import { startSocketEndpoint } from "../support/socket_endpoint.ts";
import { Trace } from "../support/trace.ts";

/** Deno 2.9.6 never ends the operation of an upgrade whose peer has left, and no code here can. */
const UPGRADE_LEAKS = { sanitizeOps: false };

async function openMany(running: RunningServer, count: number): Promise<SocketClient[]> {
  const url = await running.socketUrl("/x");
  return await Promise.all(Array.from({ length: count }, () => SocketClient.open(url)));
}

async function assertAllClosedBy(clients: readonly SocketClient[], reason: string): Promise<void> {
  const closes = await Promise.all(clients.map((client) => client.closed()));
  assertEquals(closes, clients.map(() => ({ code: 1012, reason: `isolate going: ${reason}` })));
}

Deno.test("during a drain, upgrades get 503 overloaded and readiness is 503, while health is 200", async () => {
  await using running = await startServer();
  using silent = await RawSocket.open(await running.socketUrl("/echo"));
  const drained = running.engine.connections.drain("wall_clock", 0);
  const token = await running.issuer.token("bob");
  const refusal = await rawGet(running.port, `/realtime/echo?token=${token}`, HANDSHAKE);
  assertEquals(refusal.status, 503);
  assertEquals(JSON.parse(refusal.body).code, "overloaded");
  assertEquals(refusal.headers.get("retry-after"), "1");
  const ready = await rawGet(running.port, "/realtime/health/ready");
  assertEquals([ready.status, JSON.parse(ready.body).status], [503, "draining"]);
  assertEquals((await rawGet(running.port, "/realtime/health")).status, 200);
  silent.abort();
  await drained;
});

Deno.test("a drain closes the sockets with 1012, spread over the given time", async () => {
  const sockets: Socket[] = [];
  await using running = await startSocketEndpoint({ onOpen: (socket) => void sockets.push(socket) });
  const clients = await openMany(running, 100);
  const times = clients.map((client) => client.closed().then(() => performance.now()));
  assertEquals(sockets.length, 100);
  const startedAt = performance.now();
  const drained = running.engine.connections.drain("wall_clock", 500);
  // Each of the ten steps closes a tenth.
  assertEquals(sockets.filter(({ isOpen }) => isOpen).length, 90);
  await assertAllClosedBy(clients, "wall_clock");
  await deadline(drained, PATIENCE_MS);
  const closedAt = await Promise.all(times);
  // Measured from the start: on a busy machine timers are late, never early.
  const after = (ms: number) => closedAt.filter((at) => at - startedAt >= ms).length;
  assertGreaterOrEqual(after(100), 60);
  assertGreaterOrEqual(after(300), 10);
  assertEquals(running.engine.connections.count, 0);
});

Deno.test("a drain without spare time closes all sockets at once", async () => {
  const sockets: Socket[] = [];
  await using running = await startSocketEndpoint({ onOpen: (socket) => void sockets.push(socket) });
  const clients = await openMany(running, 100);
  const drained = running.engine.connections.drain("cpu", 0);
  assertEquals(sockets.filter(({ isOpen }) => isOpen).length, 0);
  await assertAllClosedBy(clients, "cpu");
  await deadline(drained, PATIENCE_MS);
});

Deno.test("a second drain shortens the first, and a third one does not lengthen it again", async () => {
  await using running = await startSocketEndpoint({});
  const clients = await openMany(running, 50);
  const { connections } = running.engine;
  const first = connections.drain("wall_clock", 600_000);
  const second = connections.drain("cpu", 0);
  const third = connections.drain("wall_clock", 600_000);
  await deadline(Promise.all([first, second, third]), PATIENCE_MS);
  await assertAllClosedBy(clients, "wall_clock");
});

Deno.test("a drain without sockets completes at once, and the isolate stays in drain", async () => {
  await using running = await startServer();
  const { connections } = running.engine;
  await deadline(connections.drain("wall_clock", 600_000), PATIENCE_MS);
  assert(connections.isDraining);
});

Deno.test("a drain does not wait for ever for a peer that does not answer the close", async () => {
  await using running = await startServer();
  using silent = await RawSocket.open(await running.socketUrl("/echo"));
  await deadline(running.engine.connections.drain("cpu", 0), PATIENCE_MS);
  assertEquals(running.engine.connections.count, 1);
  silent.abort();
  await running.logged("socket.close");
  assertEquals(running.engine.connections.count, 0);
});

Deno.test("waitUntil is called once while any socket is open, and again for the next first socket", async () => {
  await using running = await startSocketEndpoint({});
  const settled: boolean[] = [];
  const recordSettled = (index: number) =>
    running.waitingFor[index]?.then(() => void (settled[index] = true));
  assertEquals(running.waitingFor.length, 0);

  const [one, other] = await openMany(running, 2);
  assertEquals(running.waitingFor.length, 1);
  const first = recordSettled(0);
  one?.close();
  await running.logged("socket.close", 1);
  await one?.closed();
  assertEquals(settled, []);
  other?.close();
  await deadline(first ?? Promise.reject(), PATIENCE_MS);

  const [next] = await openMany(running, 1);
  assertEquals(running.waitingFor.length, 2);
  const second = recordSettled(1);
  await running.logged("socket.open", 3);
  assertEquals(settled, [true]);
  next?.close();
  await deadline(second ?? Promise.reject(), PATIENCE_MS);
});

Deno.test(
  "peers that leave during the handshake leave no counted socket and no running handler",
  UPGRADE_LEAKS,
  async () => {
    const handled = new Trace();
    const server = new AbortController();
    await using running = await startSocketEndpoint({
      onOpen: () => handled.add("open"),
      onClose: () => handled.add("close"),
    }, { signal: server.signal });
    using _end = defer(() => server.abort());
    const url = new URL(await running.socketUrl("/x"));
    const head = requestHead(url.pathname + url.search);
    for (let attempt = 0; attempt < 60; attempt++) {
      const connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
      await connection.write(attempt % 4 ? head : head.subarray(0, attempt));
      // Every third peer gives the server time to begin.
      if (attempt % 3 === 0) await rawGet(running.port, "/realtime/health");
      connection.close();
    }
    await using _last = await SocketClient.open(url.href);
    await untilConnections(running, 1);
    const opens = handled.entries.filter((entry) => entry === "open").length;
    assertEquals(handled.entries.length - opens, opens - 1);
  },
);

Deno.test(
  "peers that leave while the route decides leave no counted socket and no running handler",
  UPGRADE_LEAKS,
  async () => {
    const decide = Promise.withResolvers<void>();
    const asked = new Trace();
    const handled = new Trace();
    const server = new AbortController();
    await using running = await startServer({
      signal: server.signal,
      app: () =>
        createApp().route(
          "/slow",
          endpoint().get(
            "/",
            authenticate,
            upgradeWebSocket(async () => {
              asked.add("asked");
              await decide.promise;
              return { onOpen: () => handled.add("open"), onClose: () => handled.add("close") };
            }),
          ),
        ),
    });
    using _end = defer(() => server.abort());
    const url = new URL(await running.socketUrl("/slow"));
    const head = requestHead(url.pathname + url.search);
    for (let attempt = 1; attempt <= 20; attempt++) {
      using connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
      await connection.write(head);
      await asked.untilCount(attempt);
    }
    // A round trip gives the server time to notice that the peers have left.
    await rawGet(running.port, "/realtime/health");
    decide.resolve();
    await running.logged("socket.open", 20);
    await untilConnections(running, 0);
    const opens = handled.entries.filter((entry) => entry === "open").length;
    assertEquals(handled.entries.length - opens, opens);
  },
);

/**
 * Runs `end` on dispose. Deno 2.9's `shutdown` waits for ever for an upgrade whose peer has left,
 * so these tests abort their server.
 */
function defer(end: () => void): Disposable {
  return { [Symbol.dispose]: end };
}

async function untilConnections(running: RunningServer, count: number): Promise<void> {
  while (running.engine.connections.count > count) {
    const closedSoFar = running.logs.filter(({ event }) => event === "socket.close").length;
    await running.logged("socket.close", closedSoFar + 1);
  }
}
