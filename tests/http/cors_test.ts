import { assertEquals } from "@std/assert";
import { startServer } from "../support/running_server.ts";

Deno.test("a page can read a refusal, its code and Retry-After", async () => {
  await using running = await startServer();
  const response = await fetch(`${running.origin}/realtime/whoami`, {
    headers: { origin: "https://app.example" },
  });
  assertEquals((await response.json()).code, "missing_token");
  assertEquals(response.headers.get("access-control-allow-origin"), "*");
  assertEquals(
    response.headers.get("access-control-expose-headers"),
    "ratelimit,ratelimit-policy,retry-after,www-authenticate,x-request-id",
  );
});

Deno.test("only a page of an allowed origin may send the Authorization header", async () => {
  await using running = await startServer({ env: { ALLOWED_ORIGINS: "https://app.example" } });
  const preflight = async (origin: string) => {
    const response = await fetch(`${running.origin}/realtime/whoami`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      },
    });
    await response.body?.cancel();
    return [
      response.headers.get("access-control-allow-origin"),
      response.headers.get("access-control-allow-headers"),
    ];
  };
  assertEquals(await preflight("https://app.example"), ["https://app.example", "authorization"]);
  assertEquals((await preflight("https://evil.example"))[0], null);
});
