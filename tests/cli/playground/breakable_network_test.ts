import { assertEquals, assertRejects } from "@std/assert";
import { deadline } from "@std/async";
import type { WebSocketLike } from "../../../packages/client/mod.ts";
import { BreakableNetwork } from "../../../packages/cli/playground/connection/breakable_network.ts";
import { PATIENCE_MS } from "../../../tools/support/wire/socket_client.ts";

/** Starts a server that records its only client's messages and close code. */
function startServer() {
  const received: unknown[] = [];
  const closed = Promise.withResolvers<number>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.addEventListener("open", () => socket.send("welcome"));
    socket.addEventListener("message", ({ data }) => {
      received.push(data);
      socket.send(`answer to ${data}`);
    });
    socket.addEventListener("close", ({ code }) => closed.resolve(code));
    return response;
  });
  return {
    url: `ws://127.0.0.1:${server.addr.port}`,
    received,
    closed: deadline(closed.promise, PATIENCE_MS),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Records a socket's events in order. */
function recordEvents(socket: WebSocketLike) {
  const events: string[] = [];
  const ended = Promise.withResolvers<void>();
  const welcomed = Promise.withResolvers<void>();
  socket.addEventListener("open", () => void events.push("open"));
  socket.addEventListener("message", ({ data }) => {
    events.push(`message ${data}`);
    welcomed.resolve();
  });
  socket.addEventListener("error", () => void events.push("error"));
  socket.addEventListener("close", ({ code }) => {
    events.push(`close ${code}`);
    ended.resolve();
  });
  return {
    events,
    welcomed: deadline(welcomed.promise, PATIENCE_MS),
    ended: deadline(ended.promise, PATIENCE_MS),
  };
}

Deno.test("a cut reports 1006 at once, passes no more frames, and is no normal close for the server", async () => {
  await using server = startServer();
  const network = new BreakableNetwork();
  const socket = new network.WebSocket(server.url, []);
  const { events, welcomed, ended } = recordEvents(socket);
  await welcomed;
  socket.send("question");
  network.cut();
  assertEquals(events, ["open", "message welcome", "error", "close 1006"]);
  socket.send("into the void");
  socket.close(1000);
  network.cut();
  assertEquals(await server.closed, 4000);
  await ended;
  assertEquals(server.received, ["question"]);
  assertEquals(events.length, 4);
});

Deno.test("a normal close reaches the server with its code", async () => {
  await using server = startServer();
  const network = new BreakableNetwork();
  const socket = new network.WebSocket(server.url, []);
  const { events, welcomed, ended } = recordEvents(socket);
  await welcomed;
  socket.close(1000, "done");
  assertEquals(await server.closed, 1000);
  await ended;
  assertEquals(events, ["open", "message welcome", "close 1000"]);
});

Deno.test("while the network is off every attempt fails, and the page gets the online and offline events", async () => {
  const network = new BreakableNetwork();
  const pageEvents: string[] = [];
  const listening = new AbortController();
  for (const type of ["online", "offline"]) {
    globalThis.addEventListener(type, () => void pageEvents.push(type), { signal: listening.signal });
  }
  network.switchTo(false);
  // No server has this port: a real attempt would fail with another error.
  const { events, ended } = recordEvents(new network.WebSocket("ws://127.0.0.1:1", []));
  assertEquals(events, []);
  await ended;
  assertEquals(events, ["error", "close 1006"]);
  await assertRejects(() => network.fetch("http://127.0.0.1:1"), TypeError, "switched off");

  await using server = startServer();
  network.switchTo(true);
  const socket = new network.WebSocket(server.url, []);
  const reopened = recordEvents(socket);
  await reopened.welcomed;
  network.switchTo(false);
  assertEquals(reopened.events, ["open", "message welcome", "error", "close 1006"]);
  assertEquals(await server.closed, 4000);
  assertEquals(pageEvents, ["offline", "online", "offline"]);
  listening.abort();
});
