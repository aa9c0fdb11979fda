/** The query parameter `apikey`: taken off the address, for handshakes and other requests. */
import { assert, assertEquals } from "@std/assert";
import { findApiKey } from "../../packages/server/src/http/find_api_key.ts";
import { logger } from "hono/logger";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { createApp, startServer } from "../support/running_server.ts";

const KEY = "sb_publishable_of_the_address_test";
const LEGACY = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl";

Deno.test("2.19 middleware sees no API key of an address, and a route gets it from the bindings", async () => {
  const seen: string[] = [];
  const found: unknown[] = [];
  await using running = await startServer({
    app: () =>
      createApp()
        .use(logger((line) => void seen.push(line)))
        .get("/address", (c) => {
          found.push([c.env.queryApiKey, findApiKey(c)]);
          return c.text(`${c.req.url} ${c.req.raw.url} ${c.req.raw.clone().url}`);
        }),
  });
  for (const lines of [[], HANDSHAKE]) {
    for (
      const [query, rest, key] of [
        [`apikey=${KEY}&vsn=2.0.0`, "?vsn=2.0.0", KEY],
        [`vsn=2.0.0&%61pikey=${LEGACY}`, "?vsn=2.0.0", LEGACY],
        [`apikey=&apikey=${KEY}`, "", undefined],
        ["vsn=2.0.0", "?vsn=2.0.0", undefined],
      ]
    ) {
      const { status, body } = await rawGet(running.port, `/realtime/address?${query}`, lines);
      assertEquals(status, 200, body);
      const address = `http://127.0.0.1/realtime/address${rest}`;
      assertEquals(body, `${address} ${address} ${address}`);
      assertEquals(found.pop(), [key, key]);
    }
  }
  for (const text of [KEY, LEGACY]) assert(!`${seen.join()} ${JSON.stringify(running.logs)}`.includes(text));
});

Deno.test("2.19 an API key in an address is no token", async () => {
  await using running = await startServer();
  const key = await running.issuer.token("alice");
  const { status, body } = await rawGet(running.port, `/realtime/echo?apikey=${key}`, HANDSHAKE);
  assertEquals([status, JSON.parse(body).code], [401, "missing_token"]);
  const both = `/realtime/echo?apikey=${KEY}&token=${key}`;
  assertEquals((await rawGet(running.port, both, HANDSHAKE)).status, 101);
});

Deno.test("2.19 a log line masks publishable keys, wherever they come from", async () => {
  await using running = await startServer();
  running.engine.log.warn("request.failed", { text: `in ${KEY}, "${KEY}"` });
  assertEquals(running.logs.at(-1)?.["text"], 'in [token], "[token]"');
});
