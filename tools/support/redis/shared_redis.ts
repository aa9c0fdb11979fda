import { isWithoutRedis } from "./availability.ts";
import { RedisProcess } from "./redis_process.ts";

/**
 * The server that the tests of this process share, each with keys of its own; it ends with the process. Undefined where there is none.
 * Started outside of tests, for which a process that outlives them would be a leak.
 */
export const sharedRedis: RedisProcess | undefined = isWithoutRedis ? undefined : await RedisProcess.start();
