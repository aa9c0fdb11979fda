import { createTestDatabase, type TestDatabase } from "../../tools/support/postgres/database.ts";
import { readCodeBlock } from "../support/code_blocks.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

/** Users as Supabase has them: their ids are UUIDs. */
export const ALICE = "a0000000-0000-4000-8000-000000000001";
/** Another one. */
export const BOB = "b0000000-0000-4000-8000-000000000002";

/** Environment of a service that asks a database, and whose rooms are its own. */
export function rlsEnvironment(url: string): Record<string, string> {
  return { ROOM_POLICY: "rls", SUPABASE_DB_URL: url, BACKPLANE: "memory" };
}

/** A service with `ROOM_POLICY=rls` and its database. */
export interface RlsStage extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly running: RunningServer;
}

/** Options of a fixture. */
export interface RlsStageOptions {
  /** SQL in place of what docs/rooms.md shows. */
  readonly policies?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the database; the shared one by default. */
  readonly server?: string;
}

/** The table, policies and triggers of docs/rooms.md, "Row level security". */
export function documentedPolicies(): Promise<string> {
  return readCodeBlock("docs/rooms.md", ({ code }) => code.includes("create table public.memberships"));
}

/** Starts the service, connected to a database with policies. */
export async function openRlsStage(options: RlsStageOptions = {}): Promise<RlsStage> {
  const database = await createTestDatabase(options.server === undefined ? {} : { server: options.server });
  const { sql, url } = database;
  await sql.unsafe(options.policies ?? await documentedPolicies());
  const running = await startServer({ env: { ...rlsEnvironment(url), ...options.env } });
  await running.logged("permissions.connected");
  return {
    database,
    running,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Makes a user a member by the documented table. */
export async function addMember(
  { sql }: TestDatabase,
  room: string,
  userId: string,
  mayPublish = true,
): Promise<void> {
  await sql`insert into auth.users (id) values (${userId}) on conflict do nothing`;
  await sql`insert into public.memberships (room, user_id, may_publish) values (${room}, ${userId}, ${mayPublish})`;
}

/**
 * Makes every question count: `count` tells how many there were. Call it before the policies of the
 * test are asked.
 */
export async function countQuestions({ sql }: TestDatabase): Promise<() => Promise<number>> {
  await sql.unsafe(`
    create sequence public.questions;
    create function public.counted() returns boolean language sql volatile security definer as $$
      select nextval('public.questions') > 0
    $$;
    create policy counts on room_access.permissions as restrictive
      for select using (action <> 'join' or public.counted());
  `);
  return async () => {
    const [row] = await sql<{ count: string }[]>`
      select case when is_called then last_value else 0 end as count from public.questions
    `;
    return Number(row?.count);
  };
}

/** A test that needs Postgres. */
export function rlsTest(statement: string, fn: () => Promise<void>): void {
  Deno.test({ name: `rls: ${statement}`, ignore: isWithoutPostgres, fn });
}
