/** Tests rooms whose cluster slot migrates to another node. */
import { assert, assertEquals } from "@std/assert";
import { addressOf } from "../../packages/server/src/backplane/redis/address.ts";
import { BackplaneUnavailable, type Stored } from "../../packages/server/src/backplane/contract.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";
import { RedisCluster } from "../support/servers/redis_cluster.ts";
import { redisCli, type RedisProcess } from "../../tools/support/redis/redis_process.ts";
import { Listener } from "./listener.ts";
import { RedisTestWorld } from "./redis_world.ts";
import { draft, range } from "./samples.ts";

Deno.test({
  name: "redis cluster: the computed slots of room keys match the cluster's",
  ignore: isWithoutRedis,
  fn: async () => {
    await using cluster = await RedisCluster.start();
    const [node] = cluster.nodes;
    assert(node);
    for (const room of ["r", "", "a}b{c", "ünï 🚀", "\ud800"]) {
      const { keys, slot } = addressOf(room, "realtime:");
      for (const key of [...keys, `${keys[0]}:id:x`]) {
        assertEquals(await node.command("CLUSTER", "KEYSLOT", key), `${slot}`);
      }
    }
  },
});

Deno.test({
  name: "redis cluster: a room that migrates to another node during publishes loses nothing",
  ignore: isWithoutRedis,
  fn: async () => {
    await using cluster = await RedisCluster.start();
    await using world = new RedisTestWorld({ cluster: cluster.urls }, cluster.nodes, {
      retryMs: 200,
      sweepMs: 50,
      waitMs: 5_000,
    });
    const isolates = [await world.open(), await world.open()];
    const listeners = await Promise.all(isolates.map((isolate) => Listener.open(isolate, "r")));
    const { slot } = addressOf("r", world.prefix);
    let hasMigrated = false;
    const publishing = isolates.map(async (isolate, index) => {
      const stored: Stored[] = [];
      for (let number = 1; number <= 40 || !hasMigrated; number++) {
        const publish = () => isolate.publish("r", [draft(`${index}-${number}`)]).catch(unlessUnavailable);
        stored.push(...await eventually(publish, (results) => results.length > 0));
      }
      return stored;
    });
    await migrateSlot(cluster.nodes, slot);
    hasMigrated = true;
    const stored = (await Promise.all(publishing)).flat();
    // Migration moves all keys, so the epoch stays.
    const epochs = new Set(listeners.map(({ subscription }) => subscription.epoch));
    for (const isolate of isolates) {
      const page = await isolate.history("r", { after: 0, limit: 1_000 });
      epochs.add(page.epoch);
      assertEquals(page.messages.map(({ offset }) => offset), range(1, stored.length));
      assertEquals(new Set(page.messages.map(({ id }) => id)).size, stored.length);
    }
    assertEquals(epochs.size, 1);
    for (const listener of listeners) {
      await listener.untilOffset(stored.length);
      assertEquals(listener.offsets, range(1, stored.length));
      assertEquals(new Set(listener.events.map(({ type }) => type)), new Set(["messages"]));
    }
  },
});

function unlessUnavailable(error: unknown): readonly never[] {
  if (error instanceof BackplaneUnavailable) return [];
  throw error;
}

/** Migrates a slot with its keys to another node, as an operator does. */
async function migrateSlot(nodes: readonly RedisProcess[], slot: number): Promise<void> {
  const names = await Promise.all(nodes.map((node) => node.command("CLUSTER", "MYID")));
  const slots = await Promise.all(nodes.map((node) => node.command("CLUSTER", "COUNTKEYSINSLOT", `${slot}`)));
  const from = slots.findIndex((count) => Number(count) > 0);
  const to = (from + 1) % nodes.length;
  const [source, target] = [nodes[from], nodes[to]];
  assert(source && target);
  await target.command("CLUSTER", "SETSLOT", `${slot}`, "IMPORTING", names[from] ?? "");
  await source.command("CLUSTER", "SETSLOT", `${slot}`, "MIGRATING", names[to] ?? "");
  for (;;) {
    const keys = (await source.command("CLUSTER", "GETKEYSINSLOT", `${slot}`, "100")).split("\n").filter(
      Boolean,
    );
    if (keys.length === 0) break;
    const place = ["127.0.0.1", `${target.port}`, "", "0", "5000"];
    await redisCli("-p", `${source.port}`, "MIGRATE", ...place, "KEYS", ...keys);
  }
  for (const node of [target, source, ...nodes]) {
    await node.command("CLUSTER", "SETSLOT", `${slot}`, "NODE", names[to] ?? "");
  }
}
