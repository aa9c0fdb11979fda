/** Every method, at every route, with odd queries: refused or answered, and never a 500. */
import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import { Hono } from "hono";
import type { AppEnv } from "../../packages/server/src/http/context.ts";
import { parseHttpResponse } from "../../tools/support/wire/http_head.ts";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";
import { closeQuietly, readHead, writeAll } from "../../tools/support/wire/tcp_connection.ts";
import { createApp, type RunningServer, startServer } from "../support/running_server.ts";

const METHODS = [
  ..."GET HEAD POST PUT PATCH DELETE OPTIONS TRACE TRACK CONNECT QUERY PROPFIND get trace X-Y".split(" "),
];
const PATHS = [
  "/realtime",
  "/realtime/health",
  "/realtime/health/ready",
  "/realtime/whoami",
  "/realtime/metrics",
  "/realtime/openapi.json",
  "/realtime/echo",
  "/realtime/rooms/r",
  "/realtime/rooms/r/messages",
  "/realtime/rooms/r/position",
  "/realtime/rooms/r/presence",
  "/realtime/rooms/r/events",
  "/realtime/rooms/%zz",
  "/realtime/%",
  "/",
  "//realtime//health",
];
/** `TOKEN` is replaced by a good one. */
const QUERIES = [
  "",
  "?",
  "?token=x",
  "?token=%",
  "?token=%zz&jwt=%E0%A4%A",
  "?token=&token=x&token=TOKEN",
  "?token=TOKEN",
  "?token=TOKEN&after=%&epoch=%zz&history=1&history=2&limit=%FF",
  "?%=%&%zz=1&token=TOKEN&__proto__=1&after[]=1",
  `?token=TOKEN&after=${"9".repeat(4000)}`,
  "?token=TOKEN&&&==&?&/",
];

/** Status of the response to a request that is sent exactly as given; undefined if none came. */
async function statusOf({ port }: RunningServer, text: string): Promise<number | undefined> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await writeAll(connection, new TextEncoder().encode(text));
    const received = await deadline(readHead(connection), PATIENCE_MS);
    return received && parseHttpResponse(received.text)?.status;
  } finally {
    closeQuietly(connection);
  }
}

/** A request with a body of two bytes, or without. */
const requestText = (method: string, target: string, hasBody: boolean) =>
  `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
  (hasBody ? "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" : "\r\n");

for (const hasBody of [false, true]) {
  Deno.test(`no method and no query makes a 500, ${hasBody ? "with" : "without"} a body`, async () => {
    await using running = await startServer({ env: { MAX_CONNECTIONS_PER_USER: "1000000" } });
    const token = await running.issuer.token("alice");
    for (const method of METHODS) {
      for (const path of PATHS) {
        const wrong = await Promise.all(QUERIES.map(async (query) => {
          const target = path + query.replaceAll("TOKEN", token);
          const status = await statusOf(running, requestText(method, target, hasBody));
          // Some Denos refuse a request by themselves, with 400 or by closing.
          return status === undefined || status < 500 ? [] : [`${method} ${path}${query}: ${status}`];
        }));
        assertEquals(wrong.flat(), []);
      }
    }
    assertEquals(running.logs.filter(({ level }) => level === "error"), []);
  });
}

Deno.test("middleware may clone a request of every method, and sees no token", async () => {
  const addresses: string[] = [];
  const app = new Hono<AppEnv>().use(async (c, next) => {
    addresses.push(c.req.raw.clone().url, c.req.raw.clone().clone().url);
    await next();
  }).route("/", createApp());
  await using running = await startServer({ app: () => app });
  for (const method of METHODS) {
    const status = await statusOf(running, requestText(method, "/realtime/health?token=x&a=1", true));
    assert(status === undefined || status < 500, `${method}: ${status}`);
  }
  assert(addresses.length > 0 && !addresses.some((address) => address.includes("token")));
});

for (const method of ["TRACE", "TRACK"]) {
  Deno.test(`${method} with a token in the query is answered as without`, async () => {
    await using running = await startServer();
    for (const query of ["", "?token=x"]) {
      const [known, unknown] = await Promise.all(
        ["/realtime/whoami", "/realtime/nope"].map((path) =>
          statusOf(running, requestText(method, path + query, false))
        ),
      );
      assertEquals([known, unknown], [405, 404]);
    }
    // No middleware could log the token.
    assert(!JSON.stringify(running.logs).includes("token=x"));
  });
}
