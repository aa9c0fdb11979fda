/** docs/protocol.md, rule 12.7: methods of a path. */
import { assertEquals } from "@std/assert";
import { type RunningServer, startServer } from "../support/running_server.ts";

const READ = "GET, HEAD, OPTIONS";
const PATHS: Record<string, string> = {
  "": READ,
  "/": READ,
  "/health": READ,
  "/health/": READ,
  "/health/ready": READ,
  "/whoami": READ,
  "/metrics": READ,
  "/openapi.json": READ,
  "/echo": READ,
  "/rooms/r": READ,
  "/rooms/r/position": READ,
  "/rooms/r/presence": READ,
  "/rooms/r/events": READ,
  "/rooms/r/messages": "GET, HEAD, POST, OPTIONS",
};

interface Answer {
  readonly status: number;
  readonly allow: string | null;
  readonly code: unknown;
}

async function send({ origin }: RunningServer, method: string, path: string): Promise<Answer> {
  const response = await fetch(`${origin}/realtime${path}`, { method });
  const text = await response.text();
  const code = text === "" ? undefined : JSON.parse(text).code;
  return { status: response.status, allow: response.headers.get("allow"), code };
}

for (const [path, allow] of Object.entries(PATHS)) {
  Deno.test(`12.7 another method than those of /realtime${path} is 405 with Allow`, async () => {
    await using running = await startServer();
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "QUERY", "PROPFIND"]) {
      if (allow.split(", ").includes(method)) continue;
      assertEquals(await send(running, method, path), { status: 405, allow, code: "method_not_allowed" });
    }
    assertEquals(await send(running, "OPTIONS", path), { status: 204, allow, code: undefined });
  });
}

Deno.test("12.7 a path without a route is 404 for every method", async () => {
  await using running = await startServer();
  for (const method of ["GET", "POST", "DELETE", "OPTIONS", "QUERY"]) {
    for (const path of ["/nope", "/health/nope", "/rooms/r/nope", "/rooms/r/messages/1"]) {
      assertEquals(await send(running, method, path), { status: 404, allow: null, code: "not_found" });
    }
  }
});

Deno.test("12.7 a preflight names the methods of its path, and may be kept", async () => {
  await using running = await startServer();
  const preflight = async (path: string) => {
    const { status, headers, body } = await fetch(`${running.origin}/realtime${path}`, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      },
    });
    await body?.cancel();
    assertEquals([status, headers.get("access-control-max-age")], [204, "7200"]);
    return headers.get("access-control-allow-methods");
  };
  assertEquals(await preflight("/whoami"), "GET,HEAD");
  assertEquals(await preflight("/rooms/r/messages"), "GET,HEAD,POST");
  // A page can read the 404.
  assertEquals(await preflight("/nope"), "GET,HEAD,PUT,POST,DELETE,PATCH");
});
