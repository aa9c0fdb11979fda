/** Tests that prefixes and databases keep deployments on one Redis apart. */
import { assert, assertEquals } from "@std/assert";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";
import { RedisProcess } from "../../tools/support/redis/redis_process.ts";
import { RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";

/** Registers a test with its own server. */
function prefixTest(statement: string, run: (server: RedisProcess) => Promise<void>): void {
  Deno.test({
    name: `redis prefix: ${statement}`,
    ignore: isWithoutRedis,
    fn: async () => {
      await using server = await RedisProcess.start();
      await run(server);
    },
  });
}

/**
 * Publishes in two deployments at once, and asserts that each member gets its own messages only.
 */
async function assertApart(
  production: Readonly<Record<string, string>>,
  staging: Readonly<Record<string, string>>,
): Promise<void> {
  await using one = await startServer({ env: production });
  await using other = await startServer({ env: staging });
  await using alice = await RoomClient.join(one, "lobby");
  await using bob = await RoomClient.join(other, "lobby", { user: "bob" });
  await bob.publish("staging", { ephemeral: true });
  await bob.publish("staging");
  await bob.present({});
  await alice.publish("production");
  const { from, data } = await alice.next("message");
  assertEquals([from.user, data], ["alice", "production"]);
  const frames = await alice.takeAll();
  assertEquals(frames.filter((frame) => JSON.stringify(frame).includes("bob")), []);
}

async function keysOf(server: RedisProcess, database: number): Promise<string[]> {
  return (await server.command("-n", `${database}`, "KEYS", "*")).split("\n").filter(Boolean);
}

prefixTest("two databases of one server are two deployments", async (server) => {
  await assertApart({ REDIS_URL: server.url }, { REDIS_URL: `${server.url}/1` });
  const [production, staging] = [await keysOf(server, 0), await keysOf(server, 1)];
  assert(production.length > 0 && production.every((key) => key.startsWith("realtime:{")), `${production}`);
  assert(staging.length > 0 && staging.every((key) => key.startsWith("realtime:1:{")), `${staging}`);
});

prefixTest("two prefixes in one database are two deployments", async (server) => {
  const env = (prefix: string) => ({ REDIS_URL: server.url, REDIS_PREFIX: prefix });
  await assertApart(env("production:"), env("staging:"));
  const keys = await keysOf(server, 0);
  assert(keys.every((key) => /^(production|staging):\{/.test(key)), `${keys}`);
});

prefixTest("reads of an unused room and refused joins make no key", async (server) => {
  const env = { REDIS_URL: server.url, ROOM_POLICY: "claim", MAX_FRAME_BYTES: "1000" };
  await using running = await startServer({ env });
  const get = async (path: string, rooms: readonly string[]) => {
    const token = await running.issuer.token("alice", { claims: { app_metadata: { rooms } } });
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch(`${running.origin}/realtime/rooms/${path}`, { headers });
    return { status: response.status, body: await response.text() };
  };
  assertEquals(await get("unused/messages", ["unused"]), {
    status: 200,
    body: '{"epoch":"","messages":[],"more":false}',
  });
  assertEquals((await get("unused/presence", ["unused"])).status, 200);
  assertEquals((await get("refused/events", ["unused"])).status, 403);
  assertEquals(await keysOf(server, 0), []);
});
