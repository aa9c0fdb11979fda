import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { overTls, PostgresTestWorld, type PostgresWorldOptions } from "./postgres_world.ts";

/** Registers a test with its own Postgres world. Its isolates reconnect within 200 ms. */
export function testOnPostgres(
  statement: string,
  run: (world: PostgresTestWorld) => Promise<void>,
  options: PostgresWorldOptions = {},
): void {
  Deno.test({
    name: `postgres: ${statement}`,
    ignore: isWithoutPostgres,
    fn: async () => {
      await using world = await PostgresTestWorld.create({ retryMs: 200, ...options });
      await run(world);
    },
  });
}

/** Registers a test twice: with plain connections, and with encrypted ones. */
export function testOnPostgresAndTls(
  statement: string,
  run: (world: PostgresTestWorld) => Promise<void>,
  options: PostgresWorldOptions = {},
): void {
  testOnPostgres(statement, run, options);
  Deno.test({
    name: `postgres over TLS: ${statement}`,
    ignore: isWithoutPostgres,
    fn: async () => {
      await using world = await PostgresTestWorld.create({ retryMs: 200, ...options, ...await overTls() });
      await run(world);
    },
  });
}
