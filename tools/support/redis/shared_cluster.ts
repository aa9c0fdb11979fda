import { isWithoutRedis } from "./availability.ts";
import { RedisCluster } from "./redis_cluster.ts";

/**
 * The cluster that the tests of this process share, each with keys of its own; it ends with the process. Undefined where there is no
 * Redis. Started outside of tests, for which processes that outlive them would be a leak.
 */
export const sharedCluster: RedisCluster | undefined = isWithoutRedis
  ? undefined
  : await RedisCluster.start();
