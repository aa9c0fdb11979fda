/** Secret keys travel in headers, and an unknown one is no user. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

const KEY = "sb_secret_of_this_test";
const UNKNOWN = "sb_secret_that_was_revoked";

function start(): Promise<RunningServer> {
  return startServer({ env: { SUPABASE_SECRET_KEYS: JSON.stringify({ default: KEY }) } });
}

async function publish(
  { origin }: RunningServer,
  { query = "", ...headers }: Record<string, string>,
): Promise<[status: number, code: string | undefined]> {
  const response = await fetch(`${origin}/realtime/rooms/lobby/messages${query}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ id: crypto.randomUUID(), event: "chat", data: 1 }),
  });
  return [response.status, (await response.json()).code];
}

async function metrics(
  { port }: RunningServer,
  query: string,
  headerLines: readonly string[],
): Promise<[status: number, code: string | undefined]> {
  const { status, body } = await rawGet(port, `/realtime/metrics${query}`, headerLines);
  return [status, status === 200 ? undefined : JSON.parse(body).code];
}

Deno.test("12.9 a secret key counts in the headers apikey and Authorization", async () => {
  await using running = await start();
  for (const headers of [{ apikey: KEY }, { authorization: `Bearer ${KEY}` }]) {
    assertEquals((await publish(running, headers))[0], 201);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    assertEquals(await metrics(running, "", lines), [200, undefined]);
  }
});

Deno.test("12.9 a secret key in the query or in a subprotocol does not count", async () => {
  await using running = await start();
  for (const parameter of ["token", "jwt"]) {
    const query = `?${parameter}=${KEY}`;
    assertEquals(await publish(running, { query }), [401, "invalid_token"]);
    assertEquals(await metrics(running, query, []), [401, "missing_token"]);
  }
  const subprotocol = `Sec-WebSocket-Protocol: jwt-${KEY}`;
  assertEquals(await metrics(running, "", [...HANDSHAKE, subprotocol]), [401, "missing_token"]);
  assertEquals(JSON.stringify(running.logs).includes(KEY), false);
});

Deno.test("12.9 an unknown secret key is 401 invalid_token, also beside a good token", async () => {
  await using running = await start();
  const authorization = `Bearer ${await running.issuer.token("alice")}`;
  const presented = [{ apikey: UNKNOWN }, { authorization: `Bearer ${UNKNOWN}` }, {
    apikey: UNKNOWN,
    authorization,
  }];
  for (const headers of presented) {
    assertEquals(await publish(running, headers), [401, "invalid_token"]);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    assertEquals(await metrics(running, "", lines), [401, "invalid_token"]);
  }
  assertEquals(JSON.stringify(running.logs).includes(UNKNOWN), false);
});

Deno.test("12.9 a publishable key or a user's token is 403 where a secret key is needed", async () => {
  await using running = await start();
  const user = `Authorization: Bearer ${await running.issuer.token("alice")}`;
  for (const line of ["apikey: sb_publishable_of_the_tests", user]) {
    assertEquals(await metrics(running, "", [line]), [403, "forbidden"]);
  }
});

Deno.test("12.9 a publishable key beside a user's token changes nothing", async () => {
  await using running = await start();
  const authorization = `Bearer ${await running.issuer.token("alice")}`;
  const [status] = await publish(running, { apikey: "sb_publishable_of_the_tests", authorization });
  assertEquals(status, 201);
});

Deno.test("12.9 the refusal names the header and the next step", async () => {
  await using running = await start();
  const { body } = await rawGet(running.port, "/realtime/metrics", [`apikey: ${UNKNOWN}`]);
  const { detail } = JSON.parse(body);
  assertNotEquals(detail.match(/`apikey`.*SUPABASE_SECRET_KEYS/), null, detail);
});
