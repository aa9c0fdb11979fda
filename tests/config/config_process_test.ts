import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { runFunctionProcess, startFunctionProcess } from "../../tools/support/processes/function_process.ts";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { rawGet } from "../../tools/support/wire/raw_request.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

/** An address of this machine at which nobody listens. */
function unreachableUrl(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `http://127.0.0.1:${listener.addr.port}`;
}

Deno.test("started with wrong values, the process tells each on stderr without a stack and ends with 1", async () => {
  const { code, stdout, stderr } = await runFunctionProcess({
    env: { SUPABASE_URL: unreachableUrl(), PORT: "http", AUTH_JWT_SECRET: "sesame" },
  });
  assertEquals(code, 1);
  assertEquals(stdout, "");
  assertMatch(stderr, /^The configuration is wrong, so nothing was started\.$/m);
  assertMatch(stderr, /^PORT is "http"\. Allowed: a whole number from 0 to 65535\. Default: 8000\.$/m);
  assertMatch(stderr, /^AUTH_JWT_SECRET is given a value that is not shown\./m);
  assertStringIncludes(stderr, "docs/configuration.md");
  assertFalse(stderr.includes("sesame"));
  assertFalse(/^\s+at |error:|ConfigError/m.test(stderr), stderr);
});

Deno.test("started with nothing to verify tokens with, the process says so and ends with 1", async () => {
  const { code, stderr } = await runFunctionProcess();
  assertEquals(code, 1);
  assertStringIncludes(stderr, "There is nothing to verify tokens with.");
  assertFalse(/^\s+at /m.test(stderr), stderr);
});

Deno.test("with an inline key set and Supabase out of reach, the process is healthy, ready and lets users in", async () => {
  const issuer = await createIssuer();
  await using process = await startFunctionProcess({
    env: { SUPABASE_URL: unreachableUrl(), SUPABASE_JWKS: JSON.stringify(issuer.jwks) },
  });
  assertEquals((await rawGet(process.port, "/realtime/health")).status, 200);
  assertEquals((await rawGet(process.port, "/realtime/health/ready")).status, 200);
  const url = `ws://127.0.0.1:${process.port}/realtime/echo?token=${await issuer.token("alice")}`;
  await using client = await SocketClient.open(url);
  client.send("x");
  assertEquals(await client.next(), "Echo: x");
});

Deno.test("with Supabase out of reach and no key set, the process is healthy and not ready", async () => {
  const issuer = await createIssuer();
  const supabase = unreachableUrl();
  await using process = await startFunctionProcess({ env: { SUPABASE_URL: supabase } });
  const health = await rawGet(process.port, "/realtime/health");
  assertEquals([health.status, JSON.parse(health.body).status], [200, "ok"]);
  const ready = await rawGet(process.port, "/realtime/health/ready");
  assertEquals(ready.status, 503);
  const { status, dependencies } = JSON.parse(ready.body);
  assertEquals(status, "failing");
  assertEquals(dependencies.map(({ name, state }: { name: string; state: string }) => [name, state]), [
    ["auth_keys", "failing"],
    ["backplane", "ok"],
  ]);
  assertFalse(ready.body.includes(new URL(supabase).port), "readiness tells an address");
  const whoami = await rawGet(process.port, "/realtime/whoami", [
    `Authorization: Bearer ${await issuer.token("alice")}`,
  ]);
  assertEquals([whoami.status, JSON.parse(whoami.body).code], [503, "auth_unavailable"]);
  assert(whoami.headers.has("retry-after"));
});
