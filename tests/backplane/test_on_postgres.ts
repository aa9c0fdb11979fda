import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { PostgresTestWorld, type PostgresWorldOptions } from "./postgres_world.ts";

/** Registers a test in a world of its own on Postgres, whose isolates try again soon to connect. */
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
