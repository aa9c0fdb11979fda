import { findInstalled } from "../installed.ts";

const server = findInstalled({
  name: "redis-server",
  tests: "tests on Redis",
  hint: "Get it with `apt-get install redis-server`, or name one in REDIS_SERVER",
  places: [
    Deno.env.get("REDIS_SERVER"),
    "/usr/bin/redis-server",
    "/usr/local/bin/redis-server",
    "/opt/homebrew/bin/redis-server",
  ],
});

/** True if tests on Redis have to be skipped; see `Found.isMissing`. */
export const isWithoutRedis: boolean = server.isMissing;

/** Path of redis-server. @throws {Error} if it is missing */
export function redisServerPath(): string {
  return server.path();
}

/** Path of the redis-cli beside redis-server. */
export function redisCliPath(): string {
  return redisServerPath().replace(/redis-server$/, "redis-cli");
}
