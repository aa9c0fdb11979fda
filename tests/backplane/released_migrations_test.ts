/** Tests that migrations are a released interface: files never change, and versions rise. */
import { createHash } from "node:crypto";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import postgres from "postgres";
import {
  type NeededSchema,
  ROOM_ACCESS_SCHEMA,
  ROOMS_SCHEMA,
} from "../../packages/server/src/backplane/postgres/schema_version.ts";
import { listFiles } from "../../tools/support/list_files.ts";
import { createTestDatabase, readMigrations } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { startServer } from "../support/running_server.ts";

const FOLDER = new URL("../../packages/server/migrations/", import.meta.url);

/** SHA-256 of every file. A new file gets a line at the end; lines never change. */
const RELEASED: Readonly<Record<string, string>> = {
  "20261123000000_rooms.sql": "76fe04673dd5c2498e582b6b6b8d550a0a696d971851d229b477fc4ba3fd67a5",
  "20261123010000_room_permissions.sql": "d6be0f76b07bd119a6da81b95c19b204e58e2f55e81e510db3b5de71e8402a27",
  "20261129010000_private_notifications.sql":
    "3070399e2deb713c6357334f88018e9d9572cdb377fbc0aa5b1f1875a5c52809",
  "20261129011000_private_announcements.sql":
    "ce6dc3db96fc4631437642660ead1be151744e3e236af435717bcbb8d2a2c88b",
  "20261129020000_locked_rooms.sql": "cf8af533100ab4c79a2e38a8463189eb332f8dda994f145a780f4f71f226dc68",
  "20261129030000_retention.sql": "604cd5344dccf7409ba60646efe02c4554c40f310ad05a8114b5241a21a63587",
  "20261129040000_staged_publishes.sql": "698a63a0a5fd5cdcf00e98c866fba748763cdb9207aa297e2091e557c4f98cc5",
  "20261129060000_room_position.sql": "9587991408242562b3c75da70ac62c92d81ae710c30d4641ff562923a77a6715",
  "20261129080000_one_use_values.sql": "b4ded7c997f508cbe3ce8cb3e2ff207f1f73da4ddb22d25bbeb8b42061fb4347",
};

/** Computes the hash of every file in the folder. */
async function hashes(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await listFiles(FOLDER, ".sql")) {
    const content = await Deno.readFile(new URL(name, FOLDER));
    found[name] = createHash("sha256").update(content).digest("hex");
  }
  return found;
}

Deno.test("no migration changes once it is there: db push skips files that it has applied", async () => {
  // Restore the file that differs, and write the change into a new one.
  assertEquals(await hashes(), RELEASED);
});

Deno.test("every migration belongs to one schema, in the order in which it is applied", () => {
  const listed = [ROOMS_SCHEMA, ROOM_ACCESS_SCHEMA].flatMap(({ migrations }) => migrations);
  assertEquals(listed.toSorted(), Object.keys(RELEASED).toSorted());
  for (const { migrations } of [ROOMS_SCHEMA, ROOM_ACCESS_SCHEMA]) {
    assertEquals(migrations, migrations.toSorted());
  }
});

Deno.test({
  name: "each migration raises the version of its schema by one, also when all are applied again",
  ignore: isWithoutPostgres,
  fn: async () => {
    await using database = await createTestDatabase({ isMigrated: false });
    const versionOf = async ({ name }: NeededSchema) => {
      const [row] = await database.sql.unsafe<{ version: number }[]>(
        `select ${name}.schema_version() as version`,
      );
      return row?.version;
    };
    for (let run = 1; run <= 2; run++) {
      for (const file of Object.keys(RELEASED).toSorted()) {
        await database.sql.unsafe(await Deno.readTextFile(new URL(file, FOLDER)));
        const schema = ROOMS_SCHEMA.migrations.includes(file) ? ROOMS_SCHEMA : ROOM_ACCESS_SCHEMA;
        assertEquals(await versionOf(schema), schema.migrations.indexOf(file) + 1, file);
      }
    }
  },
});

Deno.test({
  name: "the log of a start has the schema's version, the one that is needed, and what to apply",
  ignore: isWithoutPostgres,
  fn: async () => {
    await using database = await createTestDatabase({ isMigrated: false });
    const env = { BACKPLANE: "postgres", SUPABASE_DB_URL: database.url };
    await using running = await startServer({ env });
    const ready = await fetch(`${running.origin}/realtime/health/ready`);
    await ready.body?.cancel();
    assertEquals(ready.status, 503);
    const [lost] = await running.logged("backplane.lost");
    const { needed, migrations } = ROOMS_SCHEMA;
    const error = String(lost?.["error"]);
    assertStringIncludes(error, `has version 0, and version ${needed} is needed`);
    for (const file of migrations) assertStringIncludes(error, `supabase/migrations/${file}`);
    assertStringIncludes(error, "(supabase db push)");
    // At once, so that the server does not connect as soon as it has what it needs.
    await database.sql.unsafe([...(await readMigrations()).values()].join("\n"));
    const [connected] = await running.logged("backplane.connected");
    assertEquals([connected?.["schema_version"], connected?.["schema_needed"]], [migrations.length, needed]);
  },
});

Deno.test({
  name: "later migrations do not wait for transactions that read and write rooms",
  ignore: isWithoutPostgres,
  fn: async () => {
    await using database = await createTestDatabase({ isMigrated: false });
    const { sql, url } = database;
    const migrations = await readMigrations();
    const isFirst = (file: string) => file < "20261124";
    for (const [file, migration] of migrations) if (isFirst(file)) await sql.unsafe(migration);
    const tables = await sql<{ name: string }[]>`
      select oid::regclass::text as name from pg_class
      where relkind = 'r' and relnamespace in ('rooms'::regnamespace, 'room_access'::regnamespace)
    `;
    assert(tables.length >= 7);
    const user = postgres(url, { max: 1, fetch_types: false });
    try {
      await user.begin(async (transaction) => {
        for (const { name } of tables) await transaction.unsafe(`select count(*) from ${name}`);
        await transaction`select rooms.publish('r', 'said', '1')`;
        await sql`set lock_timeout = '1s'`;
        for (const [file, migration] of migrations) if (!isFirst(file)) await sql.unsafe(migration);
      });
    } finally {
      await user.end({ timeout: 1 });
    }
    const [row] = await sql<{ stored: string }[]>`select count(*) as stored from rooms.messages`;
    assertEquals(row?.stored, "1");
  },
});
