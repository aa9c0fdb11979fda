/** Repeated slashes in a path: clients that join a base address with a path send them. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { withoutRepeatedSlashes } from "../../packages/server/src/host/repeated_slashes.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { createApp, type RunningServer, startServer } from "../support/running_server.ts";

const KEY = "sb_publishable_of_the_slashes_test";

/** Serves the app with a route that answers with the addresses that it sees. */
function start(): Promise<RunningServer> {
  return startServer({
    app: () =>
      createApp().get("/address", (c) => c.text(`${c.req.path} ${c.req.url} ${c.req.raw.clone().url}`)),
  });
}

Deno.test("2.20 a route is found, and sees one slash, for requests and handshakes", async () => {
  await using running = await start();
  const paths = ["/realtime/address", "/realtime//address", "//realtime/address", "////realtime///address"];
  for (const lines of [[], HANDSHAKE]) {
    for (const path of paths) {
      for (
        const [query, rest] of [["", ""], ["?a=//b", "?a=//b"], [`?apikey=${KEY}&a=//b&token=x`, "?a=//b"]]
      ) {
        const { status, body } = await rawGet(running.port, `${path}${query}`, lines);
        assertEquals(status, 200, `${path}${query} ${body}`);
        const address = `http://127.0.0.1/realtime/address${rest}`;
        assertEquals(body, `/realtime/address ${address} ${address}`);
      }
    }
  }
  assert(!JSON.stringify(running.logs).includes(KEY));
});

Deno.test("2.20 a socket opens behind repeated slashes, with the token of the query", async () => {
  await using running = await start();
  const token = await running.issuer.token("alice");
  for (const path of ["/realtime//echo", "//realtime/echo", "///realtime////echo"]) {
    await using client = await SocketClient.open(`ws://127.0.0.1:${running.port}${path}?token=${token}`);
    client.send("a//b");
    assertEquals(await client.next(), "Echo: a//b");
  }
  assert(!JSON.stringify(running.logs).includes(token));
});

Deno.test("2.20 behind repeated slashes a token in a header counts, and nobody connects without one", async () => {
  await using running = await start();
  const token = await running.issuer.token("alice");
  const path = "/realtime//echo";
  const header = await rawGet(running.port, path, [...HANDSHAKE, `Authorization: Bearer ${token}`]);
  assertEquals(header.status, 101);
  assertEquals((await rawGet(running.port, path, HANDSHAKE)).status, 401);
  assertEquals((await rawGet(running.port, "/realtime/%2Fecho", HANDSHAKE)).status, 404);
});

Deno.test("2.20 a body and other methods come through behind repeated slashes", async () => {
  await using running = await start();
  const headers = {
    authorization: `Bearer ${await running.issuer.token("alice")}`,
    "content-type": "application/json",
  };
  const body = JSON.stringify({ id: "1", event: "chat", data: { text: "a//b" } });
  const published = await fetch(`${running.origin}/realtime//rooms//lobby//messages`, {
    method: "POST",
    headers,
    body,
  });
  assertEquals(published.status, 201, await published.text());
  const read = await fetch(`${running.origin}//realtime//rooms/lobby///messages?limit=1`, { headers });
  assertEquals((await read.json()).messages.at(-1).data, { text: "a//b" });
  const removed = await fetch(`${running.origin}/realtime//rooms//lobby//messages`, {
    method: "DELETE",
    headers,
  });
  assertEquals([removed.status, (await removed.json()).code], [405, "method_not_allowed"]);
});

const segments = fc.array(fc.stringMatching(/^[a-z%2F:.@-]{0,4}$/), { maxLength: 6 });
const origin = fc.constantFrom("http://a", "https://a", "http://127.0.0.1:8000", "https://[::1]:8000");
const query = fc.constantFrom("", "?", "?a=b", "?next=https://a//b", "?//", "?a=/?//");

Deno.test("only the slashes of the path are collapsed", () => {
  fc.assert(fc.property(origin, segments, query, (origin, segments, query) => {
    const url = `${origin}/${segments.join("/")}${query}`;
    const path = `/${segments.join("/")}`.replace(/\/+/g, "/");
    const collapsed = `${origin}${path}${query}`;
    assertEquals(withoutRepeatedSlashes(url), collapsed === url ? undefined : collapsed);
  }));
});
