/** Tests of `rooms.position()`: one statement loads a state and its position. */
import { assert, assertEquals } from "@std/assert";
import { connectTo } from "../../tools/support/postgres/database.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { Listener } from "./listener.ts";
import { draft, range } from "./samples.ts";
import { testOnPostgres } from "./test_on_postgres.ts";

testOnPostgres("a position is that of the last message, and reading it makes no room", async (world) => {
  const isolate = await world.open();
  const { sql } = world.database;
  const positionOf = async (room: string) => {
    const [row] = await sql`select epoch, "offset"::int from rooms.position(${room})`;
    return { ...row };
  };
  assertEquals(await positionOf("rooms/a"), { epoch: "", offset: 0 });
  assertEquals((await sql`select from rooms.rooms`).length, 0);
  const { subscription } = await Listener.open(isolate, "rooms/a");
  assertEquals(await positionOf("rooms/a"), { epoch: "", offset: 0 });
  await isolate.publish("rooms/a", [draft("1"), draft("2")]);
  assertEquals(await positionOf("rooms/a"), { epoch: subscription.epoch, offset: 2 });
  await sql.begin(async (transaction) => {
    await transaction`set local role service_role`;
    const [row] = await transaction`select "offset"::int from rooms.position('rooms/a')`;
    assertEquals(row?.["offset"], 2);
  });
});

testOnPostgres("a state and its position from one statement miss no change", async (world) => {
  const isolate = await world.open();
  const { sql } = world.database;
  await sql`create table public.notes (id int primary key)`;
  let isWriting = true;
  const writing = range(1, 3).map(async (writer) => {
    await using connection = connectTo(world.database.url);
    for (let number = 0; number < 150; number++) {
      const id = number * 3 + writer;
      await connection.sql.begin(async (transaction) => {
        await transaction`insert into public.notes values (${id})`;
        await transaction`select rooms.publish('rooms/a', 'note', to_jsonb(${id}::int))`;
      });
    }
  });
  const written = Promise.all(writing).finally(() => isWriting = false);
  const loads: { notes: number[]; offset: number }[] = [];
  while (isWriting) {
    // The state comes first, so that the position could be newer.
    const [row] = await sql<{ notes: string | null; offset: number }[]>`
      select (select string_agg(id::text, ',') from public.notes, pg_sleep(0.002)) as notes,
        (select "offset"::int from rooms.position('rooms/a')) as offset`;
    assert(row);
    loads.push({ notes: (row.notes ?? "0").split(",").map(Number), offset: row.offset });
  }
  await written;
  const staged = () => sql`select from rooms.staged`;
  await eventually(staged, ({ length }) => length === 0);
  const stored = new Map<number, number>();
  while (stored.size < 450) {
    const { messages } = await isolate.history("rooms/a", { after: stored.size, limit: 500 });
    for (const { offset, data } of messages) stored.set(offset, Number(data));
  }
  assert(loads.some(({ offset }) => offset > 0 && offset < 450));
  for (const { notes, offset } of loads) {
    const known = new Set(notes);
    for (const [at, id] of stored) if (at > offset) known.add(id);
    for (const id of range(1, 450)) assert(known.has(id), `A load at offset ${offset} misses note ${id}.`);
  }
});
