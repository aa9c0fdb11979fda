/** docs/protocol.md, rule 12.5: a stream counts only while its connection exists. */
import { assertEquals, assertGreater } from "@std/assert";
import { deadline } from "@std/async";
import { eventually } from "../../tools/support/eventually.ts";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";
import { createApp, type RunningServer, startServer } from "../support/running_server.ts";

const PATH = "/realtime/rooms/r/events";

async function bearer({ issuer }: RunningServer): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${await issuer.token("alice")}` };
}

Deno.test("12.5 HEAD on a stream is answered like GET and leaves no member behind", async () => {
  await using running = await startServer();
  const headers = await bearer(running);
  for (let times = 0; times < 5; times++) {
    const response = await fetch(running.origin + PATH, { method: "HEAD", headers });
    assertEquals([response.status, response.headers.get("content-type")], [200, "text/event-stream"]);
  }
  assertEquals(running.engine.connections.count, 0);
  assertEquals(running.logs.filter(({ event }) => event === "stream.open"), []);
});

Deno.test("12.5 a stream whose body a middleware drops never opens", async () => {
  await using running = await startServer({
    app: () => {
      const app = createApp();
      return {
        async fetch(request, bindings) {
          const response = await app.fetch(request, bindings);
          return response.headers.get("content-type") === "text/event-stream"
            ? new Response("other")
            : response;
        },
      };
    },
  });
  const response = await fetch(running.origin + PATH, { headers: await bearer(running) });
  assertEquals(await response.text(), "other");
  assertEquals(running.engine.connections.count, 0);
});

Deno.test("12.5 a client that never reads counts until its connection is cut, and then its buffer is freed", async () => {
  await using running = await startServer({
    env: { MAX_BUFFERED_BYTES: "200000", SLOW_BUFFERED_BYTES: "100000" },
  });
  const headers = await bearer(running);
  using silent = await Deno.connect({ hostname: "127.0.0.1", port: running.port });
  const head = `GET ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: ${headers.authorization}\r\n\r\n`;
  await silent.write(new TextEncoder().encode(head));
  await running.logged("stream.open");
  const closed = running.logged("stream.close");
  let sent = 0;
  let hasClosed = false;
  void closed.then(() => hasClosed = true);
  // The kernel buffers some megabytes before the server's own buffer begins to fill.
  while (!hasClosed && sent < 400) {
    const body = JSON.stringify({ id: String(sent++), event: "x", data: "y".repeat(60_000) });
    const options = { method: "POST", headers: { ...headers, "content-type": "application/json" }, body };
    await fetch(`${running.origin}/realtime/rooms/r/messages`, options).then((response) =>
      response.body?.cancel()
    );
  }
  const [line] = await deadline(closed, PATIENCE_MS);
  assertEquals(line?.["code"], 1013);
  assertEquals(running.engine.connections.count, 1, "the connection is still there");
  await eventually(() => Promise.resolve(running.engine.connections.count), (count) => count === 0);
  assertGreater(await readToEnd(silent), 0);
});

Deno.test("12.6 a stream that is read to its end counts only until then", async () => {
  await using running = await startServer();
  const response = await fetch(running.origin + PATH, { headers: await bearer(running) });
  await running.logged("stream.open");
  const drained = running.engine.connections.drain("wall_clock", 0);
  await deadline(response.text(), PATIENCE_MS);
  await deadline(drained, PATIENCE_MS);
  assertEquals(running.engine.connections.count, 0);
});

/** Reads until the peer ends or resets the connection; returns the number of bytes. */
async function readToEnd(connection: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(65_536);
  let bytes = 0;
  for (;;) {
    const count = await deadline(connection.read(buffer), PATIENCE_MS).catch((error: unknown) => {
      if (error instanceof Deno.errors.ConnectionReset) return null;
      throw error;
    });
    if (count === null) return bytes;
    bytes += count;
  }
}
