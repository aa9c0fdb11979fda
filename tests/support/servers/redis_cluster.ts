import { deadline } from "@std/async";
import { eventually } from "../../../tools/support/eventually.ts";
import { redisCli, RedisProcess } from "../../../tools/support/redis/redis_process.ts";

/** Limit for the nodes to discover each other. */
const FORM_TIMEOUT_MS = 20_000;
const NODES = 3;

/** Cluster of three nodes on 127.0.0.1, without replicas. `await using` ends it. */
export class RedisCluster implements AsyncDisposable {
  readonly nodes: readonly RedisProcess[];

  private constructor(nodes: readonly RedisProcess[]) {
    this.nodes = nodes;
  }

  /** Starts a cluster; resolves once every node sees all slots served. */
  static async start(): Promise<RedisCluster> {
    const settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
    const starting = Array.from({ length: NODES }, () => RedisProcess.start({ settings }));
    const started = await Promise.allSettled(starting);
    const nodes = started.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
    const cluster = new RedisCluster(nodes);
    try {
      await Promise.all(starting);
      const places = nodes.map(({ port }) => `127.0.0.1:${port}`);
      await deadline(redisCli("--cluster", "create", ...places, "--cluster-yes"), FORM_TIMEOUT_MS);
      for (const node of nodes) {
        await eventually(() => node.command("CLUSTER", "INFO"), (info) => info.includes("cluster_state:ok"));
      }
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get urls(): string[] {
    return this.nodes.map(({ url }) => url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node[Symbol.asyncDispose]();
  }
}
