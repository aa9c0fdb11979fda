/** Expired tokens of channels, in the words of Supabase Realtime: applications compare them. */
import { assertEquals, assertMatch } from "@std/assert";
import { startChannelServer } from "../support/channels/channel_server.ts";
import { PhoenixClient } from "../support/channels/phoenix_client.ts";

const TOPIC = "realtime:room";

Deno.test("a join with an expired token is told since when", async () => {
  await using server = await startChannelServer();
  await using client = await PhoenixClient.connect(server);
  const exp = Math.floor(Date.now() / 1000) - 1_000;
  const expired = await server.issuer.token("alice", { claims: { exp } });
  const ref = client.join(TOPIC, {}, { access_token: expired });
  const [, answered, , event, { status, response }] = await client.next();
  assertEquals([answered, event, status], [ref, "phx_reply", "error"]);
  const { reason } = response as { reason: string };
  assertMatch(reason, /^InvalidJWTToken: Token has expired 10\d\d seconds ago$/);
});

Deno.test("a channel that gets an expired token ends with the same text", async () => {
  await using server = await startChannelServer();
  await using client = await PhoenixClient.connect(server);
  const ref = await client.joined(TOPIC);
  const exp = Math.floor(Date.now() / 1000) - 1_000;
  client.push(ref, TOPIC, "access_token", {
    access_token: await server.issuer.token("alice", { claims: { exp } }),
  });
  const [, , , event, { status, message }] = await client.next();
  assertEquals([event, status], ["system", "error"]);
  assertMatch(String(message), /^Token has expired 10\d\d seconds ago$/);
  assertEquals(await client.next(), [ref, ref, TOPIC, "phx_close", {}]);
});
