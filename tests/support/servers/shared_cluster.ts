import { isWithoutRedis } from "../../../tools/support/redis/availability.ts";
import { RedisCluster } from "./redis_cluster.ts";

/**
 * Cluster that the tests of this process share, each with its own keys; undefined without Redis. It
 * starts outside of tests, because a process that outlives a test would count as a leak, and ends
 * with this process.
 */
export const sharedCluster: RedisCluster | undefined = isWithoutRedis
  ? undefined
  : await RedisCluster.start();
