import { assertEquals, assertRejects } from "@std/assert";
import { deadline } from "@std/async";
import type { WebSocketLike } from "../../../packages/client/mod.ts";
import { BreakableNetwork } from "../../../packages/cli/playground/breakable_network.ts";
import { PATIENCE_MS } from "../../../tools/support/wire/socket_client.ts";

/** A server that says with what code its only client went, and what came before. */
function startListener() {
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

/** What a socket tells, in order. */
function events(socket: WebSocketLike) {
  const told: string[] = [];
  const ended = Promise.withResolvers<void>();
  const welcomed = Promise.withResolvers<void>();
  socket.addEventListener("open", () => void told.push("open"));
  socket.addEventListener("message", ({ data }) => {
    told.push(`message ${data}`);
    welcomed.resolve();
  });
  socket.addEventListener("error", () => void told.push("error"));
  socket.addEventListener("close", ({ code }) => {
    told.push(`close ${code}`);
    ended.resolve();
  });
  return {
    told,
    welcomed: deadline(welcomed.promise, PATIENCE_MS),
    ended: deadline(ended.promise, PATIENCE_MS),
  };
}

Deno.test("a cut tells 1006 at once, nothing passes after it, and for the server it is no leaving", async () => {
  await using server = startListener();
  const network = new BreakableNetwork();
  const socket = new network.WebSocket(server.url, []);
  const { told, welcomed, ended } = events(socket);
  await welcomed;
  socket.send("question");
  network.cut();
  assertEquals(told, ["open", "message welcome", "error", "close 1006"]);
  socket.send("into the void");
  socket.close(1000);
  network.cut();
  assertEquals(await server.closed, 4000);
  await ended;
  assertEquals(server.received, ["question"]);
  assertEquals(told.length, 4);
});

Deno.test("an ordinary close is one, with its code", async () => {
  await using server = startListener();
  const network = new BreakableNetwork();
  const socket = new network.WebSocket(server.url, []);
  const { told, welcomed, ended } = events(socket);
  await welcomed;
  socket.close(1000, "done");
  assertEquals(await server.closed, 1000);
  await ended;
  assertEquals(told, ["open", "message welcome", "close 1000"]);
});

Deno.test("while the network is off nothing can be reached, and the page is told when it comes back", async () => {
  const network = new BreakableNetwork();
  const heard: string[] = [];
  const listening = new AbortController();
  for (const type of ["online", "offline"]) {
    globalThis.addEventListener(type, () => void heard.push(type), { signal: listening.signal });
  }
  network.switchTo(false);
  // Nobody listens there: a real attempt would say so in another way.
  const { told, ended } = events(new network.WebSocket("ws://127.0.0.1:1", []));
  assertEquals(told, []);
  await ended;
  assertEquals(told, ["error", "close 1006"]);
  await assertRejects(() => network.fetch("http://127.0.0.1:1"), TypeError, "switched off");

  await using server = startListener();
  network.switchTo(true);
  const socket = new network.WebSocket(server.url, []);
  const again = events(socket);
  await again.welcomed;
  network.switchTo(false);
  assertEquals(again.told, ["open", "message welcome", "error", "close 1006"]);
  assertEquals(await server.closed, 4000);
  assertEquals(heard, ["offline", "online", "offline"]);
  listening.abort();
});
