/** Tests one-use values in Postgres: an older schema, and the removal of expired values. */
import { assertEquals, assertRejects } from "@std/assert";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { readMigrations } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { PostgresTestWorld } from "./postgres_world.ts";
import { draft } from "./samples.ts";

const MIGRATION = "20261129080000_one_use_values.sql";

Deno.test({
  name: "postgres: without their migration only one-use values are unavailable, and the error names it",
  ignore: isWithoutPostgres,
  fn: async () => {
    await using world = await PostgresTestWorld.create({ isMigrated: false });
    const { sql } = world.database;
    const migrations = await readMigrations();
    for (const [file, migration] of migrations) if (file < MIGRATION) await sql.unsafe(migration);
    const isolate = await world.open();
    const text = `Apply supabase/migrations/${MIGRATION} (supabase db push)`;
    await assertRejects(() => isolate.put("key", "value", 30_000), BackplaneUnavailable, text);
    await assertRejects(() => isolate.take("key"), BackplaneUnavailable, text);
    assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 1, duplicate: false }]);
    assertEquals(await isolate.trim(), 0);
    await isolate.ready();
    assertEquals(world.events.map(({ type }) => type), ["connected"]);
    await sql.unsafe(migrations.get(MIGRATION) ?? "");
    await isolate.put("key", "value", 30_000);
    assertEquals(await isolate.take("key"), "value");
  },
});

Deno.test({
  name: "postgres: trim removes expired values",
  ignore: isWithoutPostgres,
  fn: async () => {
    await using world = await PostgresTestWorld.create();
    const isolate = await world.open();
    await isolate.put("short", "value", 30_000);
    await isolate.put("long", "value", 90_000);
    await world.advance(60_000);
    await isolate.trim();
    assertEquals([...await world.database.sql`select key from rooms.one_use_values`], [{ key: "long" }]);
  },
});
