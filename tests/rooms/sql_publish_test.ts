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
        code.includes("create function public.publish_tasks");
      await database.sql.unsafe(await readCodeBlock("docs/rooms.md", documented));
      await using running = await startServer({
        env: { BACKPLANE: "postgres", SUPABASE_DB_URL: database.url },
      });
      await run(running, database);
    },
  });
}

/** Takes the received messages, up to a marker that SQL publishes now. */
async function messages(client: RoomClient, { sql }: TestDatabase): Promise<unknown[]> {
  await sql`select rooms.publish(${`rooms/${client.welcome.room}`}, 'end', '1')`;
  const seen: unknown[] = [];
  for (;;) {
    const { event, data, from } = await client.next("message");
    if (event === "end") return seen;
    seen.push([event, data, from.user]);
  }
}

sqlTest("a committed change is delivered to the row's room only", async (running, database) => {
  const { sql } = database;
  await using member = await RoomClient.join(running, "plans");
  await using other = await RoomClient.join(running, "other");
  await sql`insert into public.tasks (board, title) values ('plans', 'write')`;
  await sql`update public.tasks set title = 'read'`;
  await sql`delete from public.tasks`;
  const task = { id: 1, board: "plans", title: "read" };
  assertEquals(await messages(member, database), [
    ["task.insert", { ...task, title: "write" }, "postgres"],
    ["task.update", task, "postgres"],
    ["task.delete", task, "postgres"],
  ]);
  assertEquals(await messages(other, database), []);
});

sqlTest("a change that is rolled back is not delivered", async (running, database) => {
  const { sql } = database;
  await using member = await RoomClient.join(running, "plans");
  await sql.begin(async (transaction) => {
    await transaction`insert into public.tasks (board, title) values ('plans', 'gone')`;
    throw new Error("rolled back");
  }).catch(() => {/* as intended */});
  await sql`insert into public.tasks (board, title) values ('plans', 'kept')`;
  assertEquals(await messages(member, database), [
    ["task.insert", { id: 2, board: "plans", title: "kept" }, "postgres"],
  ]);
});

sqlTest("a statement for many rows publishes each once, in their order", async (running, database) => {
  const { sql } = database;
  await using member = await RoomClient.join(running, "plans");
  await sql`insert into public.tasks (board, title) select 'plans', n::text from generate_series(1, 3) as n`;
  await sql`delete from public.tasks where title = 'none'`;
  const seen = await messages(member, database);
  assertEquals(
    seen,
    [1, 2, 3].map((id) => [
      "task.insert",
      { id, board: "plans", title: `${id}` },
      "postgres",
    ]),
  );
});

sqlTest("a publish that is refused fails the whole transaction", async (running, database) => {
  const { sql } = database;
  await using member = await RoomClient.join(running, "plans");
  const failing = sql.begin(async (transaction) => {
    await transaction`insert into public.tasks (board, title) values ('plans', 'unpublished')`;
    await transaction`insert into public.tasks (board, title) values ('no room', 'unpublished')`;
  });
  await assertRejects(() => failing, Error, "an endpoint, a slash and an id");
  assertEquals([...await sql`select from public.tasks`], []);
  assertEquals(await messages(member, database), []);
});

sqlTest("a change of the row needs no rights in schema rooms", async (running, database) => {
  const { sql } = database;
  await using member = await RoomClient.join(running, "plans");
  await sql`grant insert on public.tasks to authenticated`;
  await sql.begin(async (transaction) => {
    await transaction.unsafe("set local role authenticated");
    await transaction`insert into public.tasks (board, title) values ('plans', 'mine')`;
  });
  assertEquals((await messages(member, database)).length, 1);
});

sqlTest("a published message is in the history and in a resume", async (running, database) => {
  const { sql } = database;
  const first = await RoomClient.join(running, "plans");
  const query = first.resumption();
  await first[Symbol.asyncDispose]();
  await sql`insert into public.tasks (board, title) values ('plans', 'missed')`;
  await using resumed = await RoomClient.join(running, "plans", { query });
  assert(resumed.welcome.recovered);
  assertEquals((await resumed.next("message")).event, "task.insert");
});

sqlTest(
  "a state and its position from one statement go on with the next change",
  async (running, database) => {
    const { sql } = database;
    const load = await readCodeBlock("docs/rooms.md", ({ code }) => code.includes("from rooms.position("));
    const [before] = await sql.unsafe(load);
    assertEquals({ ...before }, { epoch: "", offset: "0", tasks: null });
    await sql`insert into public.tasks (board, title) values ('plans', 'loaded')`;
    await using first = await RoomClient.join(running, "plans", { query: { after: 0, epoch: "" } });
    assertEquals((await first.next("message")).event, "task.insert");
    const [loaded] = await sql.unsafe(load);
    assertEquals({ ...loaded }, {
      epoch: first.welcome.epoch,
      offset: "1",
      tasks: [{ id: 1, board: "plans", title: "loaded" }],
    });
    await sql`update public.tasks set title = 'changed'`;
    const query = { after: 1, epoch: first.welcome.epoch };
    await using second = await RoomClient.join(running, "plans", { query });
    const message = await second.next("message");
    assertEquals([message.event, message.offset], ["task.update", 2]);
  },
);
