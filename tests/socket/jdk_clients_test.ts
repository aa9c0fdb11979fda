/**
 * Requests of the JDK's HTTP client, which Deno 2.9 refuses before the server sees them; docs/client.md
 * says so. These tests fail once Deno takes them, and the limit can be removed.
 */
import { assertEquals } from "@std/assert";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { startServer } from "../support/running_server.ts";

/** The hosted runtime's version takes these requests. */
const isRefused = !Deno.version.deno.startsWith("2.1.");

Deno.test("an upgrade with `Content-Length: 0`, as the JDK sends it, is refused by Deno 2.9 only", async () => {
  await using running = await startServer();
  const { pathname, search } = new URL(await running.socketUrl("/rooms/r"));
  const lines = [...HANDSHAKE, "Content-Length: 0"];
  const { status, body } = await rawGet(running.port, pathname + search, lines);
  assertEquals([status, body], isRefused ? [400, ""] : [101, ""]);
});

Deno.test("a request that offers h2c, as the JDK's default client does, is refused by Deno 2.9 only", async () => {
  await using running = await startServer();
  const { status } = await rawGet(running.port, "/realtime/health", [
    "Connection: Upgrade, HTTP2-Settings",
    "Content-Length: 0",
    "Upgrade: h2c",
    "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA",
  ]);
  assertEquals(status, isRefused ? 400 : 200);
});
