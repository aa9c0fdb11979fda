/**
 * Tests that objects of other roles never run with the rights of the engine, or of the owner of a
 * function.
 */
import { assertEquals, assertRejects } from "@std/assert";
import postgres from "postgres";
import { Listener } from "./listener.ts";
import type { PostgresTestWorld } from "./postgres_world.ts";
import { draft, drafts, ephemeral } from "./samples.ts";
import { testOnPostgres } from "./test_on_postgres.ts";

/** Runs the work as a role that owns nothing, on a connection of its own; then drops the role. */
async function asIntruder(
  { database }: PostgresTestWorld,
  work: (intruder: postgres.Sql, role: string) => Promise<void>,
): Promise<void> {
  const role = `intruder_${crypto.randomUUID().slice(0, 8)}`;
  await database.sql.unsafe(`create role ${role} login`);
  const url = new URL(database.url);
  url.username = role;
  const intruder = postgres(url.href, { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    await work(intruder, role);
  } finally {
    await intruder.end({ timeout: 1 });
    await database.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  }
}

/** Functions that win against those of pg_catalog for the types of rooms, if public is searched. */
const LOOKALIKES: readonly (readonly [signature: string, returns: string, original: string])[] = [
  ["array_to_string(text[], text)", "text", "pg_catalog.array_to_string($1, $2)"],
  ["cardinality(text[])", "int", "pg_catalog.cardinality($1)"],
  ["cardinality(int[])", "int", "pg_catalog.cardinality($1)"],
  [
    "concat_ws(text, text, bigint, bigint, text, text, text, text, text)",
    "text",
    "pg_catalog.concat_ws($1, $2, $3, $4, $5, $6, $7, $8, $9)",
  ],
  ["unnest(text[])", "setof text", "pg_catalog.unnest($1)"],
  ["unnest(uuid[])", "setof uuid", "pg_catalog.unnest($1)"],
];

testOnPostgres("no function of public is called in place of one of pg_catalog", async (world) => {
  const { sql } = world.database;
  await asIntruder(world, async (intruder, role) => {
    await sql.unsafe(`
      grant create on schema public to ${role};
      create table public.loot (what text, who text);
      grant all on public.loot to public;
    `);
    for (const [signature, returns, original] of LOOKALIKES) {
      const set = returns.startsWith("setof");
      await intruder.unsafe(`
        create function public.${signature} returns ${returns} language plpgsql as $$ begin
          insert into public.loot values ('${signature}', current_user);
          return ${set ? "query select " : ""}${original};
        end $$
      `);
    }
    const isolate = await world.open();
    const listener = await Listener.open(isolate, "r");
    await isolate.publish("r", [draft("one")]);
    await isolate.publish("r", drafts("m", 3));
    await isolate.enter("r", { user: "a", connection: "a1", state: "{}" });
    await isolate.resume("r", { user: "a", connection: "a2", previous: "a1" });
    await isolate.present("r");
    await isolate.linger("r", "a2", 0);
    await isolate.history("r", { after: 0, limit: 2 });
    await isolate.sweep();
    await isolate.trim();
    await isolate.emit("r", ephemeral("big", { data: JSON.stringify("x".repeat(9_000)) }));
    await sql`select rooms.publish('rooms/r', 'sql', '{}')`;
    await listener.untilId("big");
    assertEquals([...await sql`select distinct * from public.loot`], []);
  });
});

testOnPostgres(
  "no type of a session is used by a function that runs with its owner's rights",
  async (world) => {
    const { sql } = world.database;
    await asIntruder(world, async (intruder, role) => {
      await sql.unsafe(`
      create table public.loot (what text, who text);
      grant all on public.loot to public;
      create table public.memberships (room text, user_id text);
      grant usage on schema public to ${role};
      grant insert on public.memberships to ${role};
      create trigger changed after insert on public.memberships
        for each row execute function room_access.permissions_changed('room', 'user_id');
      create function public.publish_change() returns trigger
      language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
      begin
        perform rooms.publish('rooms/r', 'changed', pg_catalog.to_jsonb(new));
        return null;
      end $$;
      create trigger published after insert on public.memberships
        for each row execute function public.publish_change();
    `);
      for (const type of ["text", "bytea", "jsonb", "uuid"]) {
        await intruder.unsafe(`
        create function pg_temp.seen(value pg_catalog.${type}) returns boolean language plpgsql as $$ begin
          insert into public.loot values ('${type}', current_user);
          return true;
        end $$;
        create domain pg_temp.${type} as pg_catalog.${type} check (pg_temp.seen(value));
      `);
      }
      await intruder`insert into public.memberships values ('r', 'u')`;
      assertEquals([...await sql`select distinct * from public.loot where who <> ${role}`], []);
      await assertRejects(() => intruder`select * from rooms.messages`.execute(), Error, "permission denied");
    });
  },
);

testOnPostgres(
  "every function has a fixed search_path and a comment, as both schemas do",
  async ({ database }) => {
    const { sql } = database;
    const without = await sql`
    select p.oid::regprocedure::text as function from pg_proc p
    where p.pronamespace in ('rooms'::regnamespace, 'room_access'::regnamespace)
      and (p.proconfig is null or not 'search_path=pg_catalog, pg_temp' = any (p.proconfig)
        or obj_description(p.oid, 'pg_proc') is null)
  `;
    assertEquals([...without], []);
    const [schemas] = await sql<{ described: boolean }[]>`
    select bool_and(obj_description(n.oid, 'pg_namespace') is not null) as described from pg_namespace n
    where n.nspname in ('rooms', 'room_access')
  `;
    assertEquals(schemas?.described, true);
  },
);
