/**
 * Tests the schema of supabase/migrations: its errors if missing, its privileges, and its SQL
 * functions.
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { channelOf } from "../../packages/server/src/backplane/postgres/channel.ts";
import { ROOMS_SCHEMA } from "../../packages/server/src/backplane/postgres/schema_version.ts";
import { connectTo, createTestDatabase, readMigrations } from "../../tools/support/postgres/database.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { Listener } from "./listener.ts";
import { PostgresTestWorld } from "./postgres_world.ts";
import { draft, drafts, ephemeral, ODD_NAMES, range } from "./samples.ts";
import { withRetention } from "./world.ts";

function schemaTest(statement: string, fn: () => Promise<void>): void {
  Deno.test({ name: `postgres: ${statement}`, ignore: isWithoutPostgres, fn });
}

async function applyMigrations(sql: PostgresTestWorld["database"]["sql"]): Promise<void> {
  // At once, so that no isolate connects in between.
  await sql.unsafe([...(await readMigrations()).values()].join("\n"));
}

schemaTest(
  "a database without the schema is reported with the migration to apply, and works once it is applied",
  async () => {
    await using world = await PostgresTestWorld.create({ isMigrated: false, retryMs: 200 });
    const isolate = world.start();
    const error = await assertRejects(() => isolate.ready(), BackplaneUnavailable);
    assert(error.message.includes("supabase/migrations/"), error.message);
    await assertRejects(() => isolate.publish("r", [draft("m")]), BackplaneUnavailable, "supabase db push");
    await applyMigrations(world.database.sql);
    await eventually(() => isolate.ready().then(() => true, () => false), Boolean);
    assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 1, duplicate: false }]);
    const { migrations: { length: found }, needed } = ROOMS_SCHEMA;
    assertEquals(world.events.at(-1), {
      type: "connected",
      mode: "listen",
      schema: { found, needed },
    });
  },
);

schemaTest("an older schema is reported with the version that is needed", async () => {
  await using world = await PostgresTestWorld.create({ isMigrated: false });
  await applyMigrations(world.database.sql);
  const { needed } = ROOMS_SCHEMA;
  for (let found = 0; found < needed; found++) {
    await world.database.sql.unsafe(
      `create or replace function rooms.schema_version() returns int language sql as 'select ${found}'`,
    );
    const error = await assertRejects(() => world.start().ready(), BackplaneUnavailable);
    const missing = ROOMS_SCHEMA.migrations.slice(found).map((file) => `supabase/migrations/${file}`);
    assertStringIncludes(error.message, `version ${found}, and version ${needed} is needed`);
    assertStringIncludes(error.message, `Apply ${missing.join(" and ")} (supabase db push)`);
  }
});

schemaTest("the migrations can be applied again without effect", async () => {
  await using world = await PostgresTestWorld.create();
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.publish("r", [draft("1")]);
  await applyMigrations(world.database.sql);
  assertEquals(await isolate.publish("r", [draft("1"), draft("2")]), [
    { offset: 1, duplicate: true },
    { offset: 2, duplicate: false },
  ]);
  await listener.untilOffset(2);
  assertEquals(listener.offsets, [1, 2]);
});

schemaTest("applied again in one transaction, the migrations fail no publish in SQL", async () => {
  await using database = await createTestDatabase();
  await using writer = connectTo(database.url);
  const publishing = await database.sql.begin(async (transaction) => {
    await transaction`lock table rooms.staged, rooms.rooms, rooms.isolates`;
    const [first, ...rest] = (await readMigrations()).values();
    await transaction.unsafe(first ?? "");
    const sent = writer.sql<{ id: string }[]>`select rooms.publish('rooms/a', 'e', '1', 'm') as id`.execute();
    await using observer = connectTo(database.url);
    await eventually(
      () =>
        observer.sql`select from pg_locks l join pg_database d on d.oid = l.database
          where not l.granted and d.datname = current_database()`,
      ({ length }) => length > 0,
    );
    for (const migration of rest) await transaction.unsafe(migration);
    return { sent };
  });
  assertEquals((await publishing.sent)[0]?.id, "m");
});

schemaTest("anon and authenticated have no privileges in the schema", async () => {
  await using database = await createTestDatabase();
  const { sql } = database;
  for (const role of ["anon", "authenticated"]) {
    const [schema] = await sql<
      { usage: boolean }[]
    >`select has_schema_privilege(${role}, 'rooms', 'usage') as usage`;
    assertEquals(schema?.usage, false);
    const open = await sql<{ name: string }[]>`
      select relname as name from pg_class
      where relnamespace = 'rooms'::regnamespace and relkind in ('r', 'S')
        and case relkind
          when 'S' then has_sequence_privilege(${role}, oid, 'usage, select, update')
          else has_table_privilege(${role}, oid, 'select, insert, update, delete, truncate, references, trigger') end
      union all
      select proname from pg_proc
      where pronamespace = 'rooms'::regnamespace and has_function_privilege(${role}, oid, 'execute')
    `;
    assertEquals([...open], []);
  }
  const withoutRls = await sql`
    select relname from pg_class where relnamespace = 'rooms'::regnamespace and relkind = 'r' and not relrowsecurity
  `;
  assertEquals([...withoutRls], []);
});

schemaTest("the service role may run everything that the function runs", async () => {
  await using world = await PostgresTestWorld.create();
  const { sql } = world.database;
  await sql`create role ${sql(`service_${Deno.pid}`)} login bypassrls in role service_role`;
  try {
    const url = new URL(world.database.url);
    url.username = `service_${Deno.pid}`;
    const isolate = world.start({ url: url.href });
    const listener = await Listener.open(isolate, "r");
    await isolate.publish("r", drafts("m", 2));
    await isolate.enter("r", { user: "alice", connection: "a1", state: "{}" });
    await isolate.linger("r", "a1", 0);
    await isolate.sweep();
    await isolate.trim();
    await isolate.emit("r", ephemeral("big", { data: JSON.stringify("x".repeat(9_000)) }));
    await listener.untilId("big");
    await isolate.close();
  } finally {
    await sql`drop role ${sql(`service_${Deno.pid}`)}`;
  }
});

schemaTest("the function and the database compute the same channel name for a room", async () => {
  await using database = await createTestDatabase();
  for (const name of ODD_NAMES) {
    const [row] = await database.sql<{ channel: string }[]>`select rooms.channel_of(${name}) as channel`;
    assertEquals(row?.channel, channelOf(name));
  }
});

schemaTest(
  "trim deletes messages outside the retention window, except those in the dedupe window",
  async () => {
    const { retention } = withRetention({ messages: 10, ageMs: 600_000, dedupeMs: 60_000 });
    await using world = await PostgresTestWorld.create({ retention });
    const isolate = await world.open();
    await isolate.publish("r", drafts("m", 30));
    await isolate.publish("r2", drafts("m", 5));
    const stored = async () => {
      const [row] = await world.database.sql<{ count: string }[]>`select count(*) from rooms.messages`;
      return Number(row?.count);
    };
    assertEquals(await isolate.trim(), 0);
    await world.advance(60_000);
    assertEquals(await isolate.trim(), 20);
    assertEquals(await stored(), 15);
    const page = await isolate.history("r", { after: 0, limit: 100 });
    assertEquals(page.messages.map(({ offset }) => offset), range(21, 30));
    await world.advance(600_000);
    assertEquals(await isolate.trim(), 15);
    assertEquals(await stored(), 0);
    assertEquals((await isolate.history("r", { after: 0, limit: 1 })).head, 30);
    await world.advance(86_400_000);
    assertEquals(await isolate.trim(), 0);
    const rooms = await world.database.sql`select from rooms.rooms`;
    assertEquals(rooms.length, 0);
  },
);
