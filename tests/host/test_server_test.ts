/** `startTestServer` of `@realtime-edge/server/testing`, with the function's own app. */
import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { startTestServer } from "../../packages/server/testing.ts";
import { ConfigError } from "../../packages/server/src/config/parse_config.ts";
import { app } from "../../supabase/functions/realtime/app.ts";
import { RawSocket } from "../../tools/support/wire/raw_socket.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

async function whoami(origin: string, token: string): Promise<Response> {
  return await fetch(`${origin}/realtime/whoami`, { headers: { authorization: `Bearer ${token}` } });
}

Deno.test("a test server echoes over a socket of its user", async () => {
  await using server = await startTestServer(app);
  await using client = await SocketClient.open(await server.socketUrl("/realtime/echo"));
  client.send("hello");
  assertEquals(await client.next(), "Echo: hello");
});

Deno.test("a test server's tokens name the user, with the claims that the test gives", async () => {
  await using server = await startTestServer(app);
  const token = await server.token("bob", { app_metadata: { role: "teacher" } });
  const user = await (await whoami(server.origin, token)).json();
  assertEquals([user.id, user.role, user.app_metadata], ["bob", "authenticated", { role: "teacher" }]);
  const expired = await whoami(server.origin, await server.token("bob", { exp: 1 }));
  assertEquals([expired.status, (await expired.json()).code], [401, "token_expired"]);
});

Deno.test("a test server refuses the tokens of another one", async () => {
  await using server = await startTestServer(app);
  await using other = await startTestServer(app);
  assertNotEquals(server.origin, other.origin);
  const refusal = await whoami(server.origin, await other.token("alice"));
  assertEquals([refusal.status, (await refusal.json()).code], [401, "invalid_token"]);
});

Deno.test("a test server takes variables, and a wrong one throws", async () => {
  await using server = await startTestServer(app, { env: { MAX_CONNECTIONS_PER_USER: "1" } });
  const url = await server.socketUrl("/realtime/rooms/lobby", "carol");
  await using _first = await SocketClient.open(url);
  await assertRejects(() => SocketClient.open(url));
  await assertRejects(() => startTestServer(app, { env: { PORT: "http" } }), ConfigError, "PORT");
});

Deno.test("a test server ends with open sockets, and with a peer that never answers", async () => {
  const server = await startTestServer(app);
  const client = await SocketClient.open(await server.socketUrl("/realtime/rooms/lobby"));
  using _silent = await RawSocket.open(await server.socketUrl("/realtime/echo"));
  await server[Symbol.asyncDispose]();
  assertEquals((await client.closed()).code, 1012);
});
