import postgres from "postgres";
import { listFiles } from "../list_files.ts";
import { sharedServerUrl } from "./server.ts";

const MIGRATIONS = new URL("../../../supabase/migrations/", import.meta.url);

/** Schema of the projects' tables. */
const PUBLIC = `
create schema if not exists public;
grant usage on schema public to anon, authenticated, service_role;
`;

/** Roles and functions that Supabase creates in every database before any migration. */
const SUPABASE = `
do $$
declare v_role text;
begin
  foreach v_role in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_roles where rolname = v_role) then
      execute format('create role %I nologin noinherit %s', v_role, case v_role when 'service_role' then 'bypassrls' else '' end);
    end if;
  end loop;
end $$;
create schema if not exists auth;
grant usage on schema auth to anon, authenticated, service_role;
create or replace function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb
$$;
create or replace function auth.uid() returns uuid language sql stable as $$
  select nullif(auth.jwt() ->> 'sub', '')::uuid
$$;
create or replace function auth.role() returns text language sql stable as $$ select auth.jwt() ->> 'role' $$;
create table if not exists auth.users (id uuid primary key);
${PUBLIC}
`;

/** Makes the statement that moves the one clock of all isolates by milliseconds. */
export function clockMovedBy(ms: number): string {
  return `
    create or replace function rooms.now_ms() returns bigint
    language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
    begin
      return (extract(epoch from clock_timestamp()) * 1000)::bigint + ${ms};
    end $$;
  `;
}

/**
 * Resets a database: cuts connections, empties tables, restores the clock, drops what the test
 * created.
 */
const RENEW = `
select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();
truncate rooms.rooms, rooms.messages, rooms.passing, rooms.isolates, rooms.presence_versions, rooms.presence, rooms.staged, rooms.one_use_values restart identity;
update rooms.drainer set isolate = null, polls_until = 0;
update rooms.trimming set room_id = default, started_at = default;
update rooms.channel_key set old_isolates_until = default;
${clockMovedBy(0)}
do $$
declare v_policy name;
begin
  for v_policy in select policyname from pg_policies where schemaname = 'room_access' loop
    execute format('drop policy %I on room_access.permissions', v_policy);
  end loop;
end $$;
drop schema public cascade;
${PUBLIC}
truncate auth.users;
`;

/** Template databases by server and options; a process id and a count make names unique. */
const prefix = `rooms_${Deno.pid}`;
let count = 0;
const templates = new Map<string, Promise<string>>();
/** Reset databases for reuse, by options: a new one takes half a second. */
const used = new Map<string, string[]>();

/** Database of one test. `await using` releases it. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  /** Runs SQL as the superuser, on a separate connection. */
  readonly sql: postgres.Sql;
}

/** Options of a test database. */
export interface TestDatabaseOptions {
  /** URL of the server without a database; default the shared server's. */
  readonly server?: string;
  /** False skips the migrations. */
  readonly isMigrated?: boolean;
}

/** Creates a database like Supabase's, with the migrations applied. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { isMigrated = true } = options;
  const server = options.server ?? await sharedServerUrl();
  const key = `${server} ${isMigrated}`;
  let making = templates.get(key);
  if (!making) templates.set(key, making = makeTemplate(server, isMigrated));
  const template = await making;
  const again = used.get(key)?.pop();
  const name = again ?? `${prefix}_${++count}`;
  if (again === undefined) await once(`${server}/postgres`, `create database ${name} template ${template}`);
  const url = `${server}/${name}`;
  const sql = connect(url);
  return {
    url,
    sql,
    [Symbol.asyncDispose]: async () => {
      await sql.end({ timeout: 1 });
      if (!isMigrated) return await once(`${server}/postgres`, `drop database ${name} with (force)`);
      await once(url, RENEW);
      used.set(key, [...used.get(key) ?? [], name]);
    },
  };
}

/** Reads the migrations' SQL by file name, in order. */
export async function readMigrations(): Promise<Map<string, string>> {
  const read = async (name: string) => [name, await Deno.readTextFile(new URL(name, MIGRATIONS))] as const;
  return new Map(await Promise.all((await listFiles(MIGRATIONS, ".sql")).map(read)));
}

async function makeTemplate(server: string, isMigrated: boolean): Promise<string> {
  const name = `${prefix}_template_${++count}`;
  await once(`${server}/postgres`, `create database ${name}`);
  await once(`${server}/${name}`, SUPABASE);
  if (isMigrated) {
    for (const migration of (await readMigrations()).values()) await once(`${server}/${name}`, migration);
  }
  return name;
}

/** Opens another connection to a test's database, as the superuser. */
export function connectTo(url: string): { readonly sql: postgres.Sql } & AsyncDisposable {
  const sql = connect(url);
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}

async function once(url: string, statements: string): Promise<void> {
  const sql = connect(url);
  try {
    await sql.unsafe(statements);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, fetch_types: false, max_lifetime: null, onnotice: () => {} });
}
