/** First segments that endpoints of users cannot have. */
import { assertEquals, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { endpoint } from "../../packages/server/src/http/endpoint.ts";
import { realtime } from "../../packages/server/src/http/realtime.ts";
import { startServer } from "../support/running_server.ts";

const RESERVED = [
  "health",
  "whoami",
  "metrics",
  "openapi.json",
  "socket",
  "tickets",
  "disconnect",
  "websocket",
  "v1",
  "api",
  "realtime",
];

/** An endpoint with one route. */
function at(path: string) {
  return endpoint().get(path, (c) => c.text("own"));
}

for (const name of RESERVED) {
  Deno.test(`an endpoint at /${name} fails at the start, with the list`, () => {
    const mount: (() => unknown)[] = [
      () => realtime().route(`/${name}`, at("/")),
      () => realtime().route(`${name}/mine/`, at("/:id")),
      () => realtime().route("/", at(`/${name}`)),
      () => realtime().route("/polls", at("/")).route("/", at(`/${name}/:id`)),
      () => realtime({ basePath: "/fn" }).route(`//${name}`, endpoint()),
      () => new Hono().route("/larger", realtime().route(`/${name}`, at("/"))),
    ];
    for (const one of mount) {
      const { message } = assertThrows(one, Error, `An endpoint cannot be at /${name}: `);
      for (const listed of RESERVED) assertEquals(message.includes(listed), true);
    }
  });
}

Deno.test("other paths are free, also those that begin with a reserved name", async () => {
  const paths = ["healthy", "v10", "apis", "rooms2", "Health"];
  const app = paths.reduce(
    (app, name) => app.route(`/${name}`, at("/v1")) as typeof app,
    realtime() as ReturnType<typeof realtime>,
  );
  await using running = await startServer({ app: () => app });
  for (const name of paths) {
    const response = await fetch(`${running.origin}/realtime/${name}/v1`);
    assertEquals([response.status, await response.text()], [200, "own"]);
  }
  const health = await fetch(`${running.origin}/realtime/health`);
  assertEquals((await health.json()).status, "ok");
});
