/** Runs the contract suite on a cluster of three nodes. */
import { sharedCluster } from "../support/servers/shared_cluster.ts";
import { backplaneContract } from "./contract.ts";
import { RedisTestWorld } from "./redis_world.ts";

if (sharedCluster) {
  const { urls, nodes } = sharedCluster;
  backplaneContract({
    name: "redis cluster",
    createWorld: (options) => Promise.resolve(new RedisTestWorld({ cluster: urls }, nodes, options)),
    canKill: true,
    runs: 15,
  });
} else {
  Deno.test({ name: "redis cluster: the contract suite", ignore: true, fn: () => {} });
}
