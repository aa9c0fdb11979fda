/** Runs the contract suite on one server. */
import { sharedRedis } from "../support/servers/shared_redis.ts";
import { backplaneContract } from "./contract.ts";
import { RedisTestWorld } from "./redis_world.ts";

if (sharedRedis) {
  const server = sharedRedis;
  backplaneContract({
    name: "redis",
    createWorld: (options) => Promise.resolve(new RedisTestWorld({ url: server.url }, [server], options)),
    canKill: true,
    runs: 60,
  });
} else {
  Deno.test({ name: "redis: the contract suite", ignore: true, fn: () => {} });
}
