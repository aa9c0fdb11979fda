import { isWithoutRedis } from "../../../tools/support/redis/availability.ts";
import { RedisProcess } from "../../../tools/support/redis/redis_process.ts";

/**
 * Server that the tests of this process share, each with its own keys; undefined without Redis. It
 * starts outside of tests, because a process that outlives a test would count as a leak, and ends
 * with this process.
 */
export const sharedRedis: RedisProcess | undefined = isWithoutRedis ? undefined : await RedisProcess.start();
