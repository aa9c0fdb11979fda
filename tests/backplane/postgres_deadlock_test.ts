/** Tests that maintenance and members do not wait for each other in a circle. */
import { assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { connectTo } from "../../tools/support/postgres/database.ts";
import { leaveOpen } from "./open_transaction.ts";
import { testOnPostgres } from "./test_on_postgres.ts";

testOnPostgres("a sweep and a member that comes back do not wait in a circle", async (world) => {
  const { sql } = world.database;
  // Only the test's own sweep runs.
  const [gone, isolate] = [world.start({ sweepMs: 60_000 }), world.start({ sweepMs: 60_000 })];
  await Promise.all([gone.ready(), isolate.ready()]);
  const enter = (room: string, connection: string) =>
    gone.enter(room, { user: connection, connection, state: "{}" });
  await enter("a", "due a");
  await enter("b", "due b");
  await enter("b", "lost b");
  for (const room of ["a", "b"]) await gone.linger(room, `due ${room}`, 0);
  // The sweep stands still in the first room, once the entries of the ended isolate linger.
  await using locker = connectTo(world.database.url);
  await using lock = await leaveOpen(
    locker.sql,
    "select from rooms.presence_versions v join rooms.rooms r on r.id = v.room_id where name = 'a' for update of v",
  );
  await sql`update rooms.isolates set expires_at = rooms.now_ms() where id = ${gone.isolate}`;
  let hasResumed = false;
  const waiting = (text: string) =>
    eventually(
      () =>
        sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
          and query like ${`%${text}%`}`,
      ({ length }) => length > 0 || hasResumed,
    );
  const swept = isolate.sweep();
  await waiting("rooms.sweep(");
  const resumed = isolate.resume("b", { user: "lost b", connection: "back b", previous: "lost b" })
    .finally(() => hasResumed = true);
  await waiting("rooms.resume(");
  await lock.release();
  await Promise.all([swept, resumed]);
  const present = await isolate.present("b");
  assertEquals(present.map(({ connection }) => connection), ["back b"]);
  await gone.abandon();
});
