/** The trigger of docs/rooms.md, "Publishing from SQL", with members on real sockets. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { readCodeBlock } from "../support/code_blocks.ts";
import { createTestDatabase, type TestDatabase } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

function sqlTest(
  statement: string,
  run: (running: RunningServer, database: TestDatabase) => Promise<void>,
): void {
  Deno.test({
    name: `publishing from SQL: ${statement}`,
    ignore: isWithoutPostgres,
    fn: async () => {
      await using database = await createTestDatabase();
      const documented = ({ code }: { code: string }) =>
        code.includes("create function public.announce_task");
      await database.sql.unsafe(await readCodeBlock("docs/rooms.md", documented));
      await using running = await startServer({
        env: { BACKPLANE: "postgres", SUPABASE_DB_URL: database.url },
      });
      await run(running, database);
    },
  });
}

/** Takes the received messages, up to a marker that is published now. */
async function messages(client: RoomClient): Promise<unknown[]> {
  await client.publish("last", { event: "end" });
  const seen: unknown[] = [];
  for (;;) {
    const { event, data, from } = await client.next("message");
    if (event === "end") return seen;
    seen.push([event, data, from.user]);
  }
}

sqlTest("a committed change is delivered to the row's room only", async (running, { sql }) => {
  await using member = await RoomClient.join(running, "plans");
  await using other = await RoomClient.join(running, "other");
  await sql`insert into public.tasks (board, title) values ('plans', 'write')`;
  await sql`update public.tasks set title = 'read'`;
  await sql`delete from public.tasks`;
  const task = { id: 1, board: "plans", title: "read" };
  assertEquals(await messages(member), [
    ["task.insert", { ...task, title: "write" }, "postgres"],
    ["task.update", task, "postgres"],
    ["task.delete", task, "postgres"],
  ]);
  assertEquals(await messages(other), []);
});

sqlTest("a change that is rolled back is not delivered", async (running, { sql }) => {
  await using member = await RoomClient.join(running, "plans");
  await sql.begin(async (transaction) => {
    await transaction`insert into public.tasks (board, title) values ('plans', 'gone')`;
    throw new Error("rolled back");
  }).catch(() => {/* as intended */});
  await sql`insert into public.tasks (board, title) values ('plans', 'kept')`;
  assertEquals(await messages(member), [
    ["task.insert", { id: 2, board: "plans", title: "kept" }, "postgres"],
  ]);
});

sqlTest("a failing publish fails the whole transaction", async (running, { sql }) => {
  await using member = await RoomClient.join(running, "plans");
  const failing = sql.begin(async (transaction) => {
    await transaction`alter table rooms.messages add constraint no_room check (event <> 'task.insert')`;
    await transaction`insert into public.tasks (board, title) values ('plans', 'unpublished')`;
  });
  await assertRejects(() => failing, Error, "no_room");
  assertEquals([...await sql`select from public.tasks`], []);
  assertEquals(await messages(member), []);
});

sqlTest("a change of the row needs no rights in schema rooms", async (running, { sql }) => {
  await using member = await RoomClient.join(running, "plans");
  await sql`grant insert on public.tasks to authenticated`;
  await sql.begin(async (transaction) => {
    await transaction.unsafe("set local role authenticated");
    await transaction`insert into public.tasks (board, title) values ('plans', 'mine')`;
  });
  assertEquals((await messages(member)).length, 1);
});

sqlTest("a published message is in the history and in a resume", async (running, { sql }) => {
  const first = await RoomClient.join(running, "plans");
  const query = first.resumption();
  await first[Symbol.asyncDispose]();
  await sql`insert into public.tasks (board, title) values ('plans', 'missed')`;
  await using resumed = await RoomClient.join(running, "plans", { query });
  assert(resumed.welcome.recovered);
  assertEquals((await resumed.next("message")).event, "task.insert");
});
