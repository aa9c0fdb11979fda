/** 404 and 405 of endpoints that a project adds. */
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import type { AppEnv } from "../../packages/server/src/http/context.ts";
import { endpoint } from "../../packages/server/src/http/endpoint.ts";
import { createApp, startServer } from "../support/running_server.ts";

const tables = endpoint()
  .use((_c, next) => next())
  .get("/:id", (c) => c.notFound())
  .put("/:id", (c) => c.text("stored"))
  .on("OPTIONS", "/special", (c) => c.text("own answer"))
  .all("/any", (c) => c.text(c.req.method));

Deno.test("an own endpoint answers other methods with 405, and its own refusals with its own status", async () => {
  await using running = await startServer({ app: () => createApp().route("/tables", tables) });
  const ask = async (method: string, path: string) => {
    const response = await fetch(`${running.origin}/realtime/tables/${path}`, { method });
    await response.body?.cancel();
    return [response.status, response.headers.get("allow")];
  };
  assertEquals(await ask("GET", "1"), [404, null]);
  assertEquals(await ask("HEAD", "1"), [404, null]);
  assertEquals(await ask("PUT", "1"), [200, null]);
  assertEquals(await ask("DELETE", "1"), [405, "GET, HEAD, PUT, OPTIONS"]);
  assertEquals(await ask("OPTIONS", "special"), [200, null]);
  assertEquals(await ask("DELETE", "any"), [200, null]);
});

Deno.test("in a larger app under another path, a preflight lets every method through", async () => {
  const app = new Hono<AppEnv>().route("/larger", createApp().route("/tables", tables));
  await using running = await startServer({ app: () => app });
  const { headers, body } = await fetch(`${running.origin}/larger/realtime/tables/1`, {
    method: "OPTIONS",
    headers: { origin: "https://app.example", "access-control-request-method": "PUT" },
  });
  await body?.cancel();
  assertEquals(headers.get("access-control-allow-methods")?.split(",").includes("PUT"), true);
});
