/** Where a redis-server may be; the environment's REDIS_SERVER names another. */
const PLACES = [
  Deno.env.get("REDIS_SERVER"),
  "/usr/bin/redis-server",
  "/usr/local/bin/redis-server",
  "/opt/homebrew/bin/redis-server",
];

const executable = PLACES.find((path) => path !== undefined && exists(path));

/**
 * Whether tests on Redis have to be left out: for `ignore` of `Deno.test`. True where there is no redis-server, except in CI (with CI in
 * the environment), where they fail instead.
 */
export const isWithoutRedis: boolean = executable === undefined && !Deno.env.get("CI");
if (isWithoutRedis) {
  console.log(
    "No Redis: its tests are left out. Get it with `apt-get install redis-server`, or name one in REDIS_SERVER.",
  );
}

/**
 * The redis-server of this machine.
 * @throws {Error} when there is none
 */
export function redisServerPath(): string {
  if (!executable) {
    throw new Error(`There is no redis-server at any of ${PLACES.filter(Boolean).join(", ")}.`);
  }
  return executable;
}

/** The redis-cli that belongs to it. */
export function redisCliPath(): string {
  return redisServerPath().replace(/redis-server$/, "redis-cli");
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
