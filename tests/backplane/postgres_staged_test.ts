/** Tests of messages that `rooms.publish()` staged: isolates store them, once and in order. */
import { privateChannel } from "../../packages/server/src/backplane/postgres/channel.ts";
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { connectTo } from "../../tools/support/postgres/database.ts";
import { leaveOpen } from "./open_transaction.ts";
import { Listener } from "./listener.ts";
import { draft, range } from "./samples.ts";
import { ids, ROOM, stage, storedIds, untilDrained } from "./staged_messages.ts";
import { testOnPostgres } from "./test_on_postgres.ts";

testOnPostgres("what was staged while no isolate lived is stored by the first one", async (world) => {
  await stage(world, ROOM, ids("m", 1_200));
  const isolate = await world.open();
  await untilDrained(world);
  const { head } = await isolate.history(ROOM, { after: 0, limit: 1 });
  assertEquals(head, 1_200);
  const last = await isolate.history(ROOM, { after: 1_199, limit: 1 });
  assertEquals(last.messages.map(({ id }) => id), ["m1200"]);
});

testOnPostgres("an isolate of the release before stores what is staged while it is alone", async (world) => {
  const { sql } = world.database;
  const renew = async () => {
    const [row] = await sql`select rooms.renew(${crypto.randomUUID()}, 15000, 10000, false) as was_alive`;
    return row?.["was_alive"];
  };
  await stage(world, ROOM, ids("m", 1_200));
  assertEquals(await renew(), false);
  assertEquals((await sql`select from rooms.staged`).length, 0);
  // The lease goes on if nothing can be stored.
  await stage(world, ROOM, ["late"]);
  await sql`alter table rooms.messages add constraint test_none check (false) not valid`;
  try {
    assertEquals(await renew(), false);
    assertEquals((await sql`select from rooms.isolates`).length, 2);
  } finally {
    await sql`alter table rooms.messages drop constraint test_none`;
  }
  const isolate = await world.open();
  await untilDrained(world);
  assertEquals(await storedIds(isolate, ROOM), [...ids("m", 1_200), "late"].slice(-1_000));
});

testOnPostgres("with several isolates and writers each writer's messages keep their order", async (world) => {
  const isolates = [await world.open(), await world.open(), await world.open()];
  const listeners = await Promise.all(isolates.map((isolate) => Listener.open(isolate, ROOM)));
  const writers = await Promise.all(
    range(1, 4).map(async (writer) => {
      await using connection = connectTo(world.database.url);
      const { sql } = connection;
      for (const id of ids(`w${writer} `, 100)) {
        await sql.begin(async (transaction) => {
          await transaction`select rooms.publish(${ROOM}, 'said', '1', ${id})`;
          await transaction`select rooms.publish('rooms/b', 'said', '1', ${id})`;
        });
      }
      return writer;
    }),
  );
  for (const listener of listeners) {
    await listener.untilOffset(400);
    assertEquals(listener.offsets, range(1, 400));
    for (const writer of writers) {
      const own = listener.messages.map(({ id }) => id).filter((id) => id.startsWith(`w${writer} `));
      assertEquals(own, ids(`w${writer} `, 100));
    }
  }
  await untilDrained(world);
});

testOnPostgres("a killed drainer loses nothing and stores nothing twice", async (world) => {
  const { sql } = world.database;
  await stage(world, ROOM, ids("m", 20));
  // The drain stands still in its transaction: it has stored the messages, and deletes the rows.
  await using locker = connectTo(world.database.url);
  const lock = await leaveOpen(locker.sql, "select from rooms.staged for update");
  const killed = await world.open();
  const stalled = () =>
    sql<{ pid: number }[]>`
      select pid from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%rooms.drain(%'`;
  const [drainer] = await eventually(stalled, ({ length }) => length === 1);
  assert(drainer);
  const heir = await world.open();
  const ended = world.kill(killed);
  await sql`select pg_terminate_backend(${drainer.pid})`;
  await ended;
  await lock.release();
  await stage(world, ROOM, ids("n", 20));
  await untilDrained(world);
  assertEquals(await storedIds(heir, ROOM), [...ids("m", 20), ...ids("n", 20)]);
});

testOnPostgres("a locked room delays its own staged messages only", async (world) => {
  const isolate = await world.open();
  await isolate.publish(ROOM, [draft("first")]);
  const listener = await Listener.open(isolate, "rooms/b");
  await using locker = connectTo(world.database.url);
  await using lock = await leaveOpen(locker.sql, `select from rooms.rooms where name = '${ROOM}' for update`);
  // More than a drain takes at once.
  await world.database.sql`select rooms.publish(${ROOM}, 'said', '1') from generate_series(1, 600)`;
  await stage(world, "rooms/b", ids("m", 3));
  await listener.untilOffset(3);
  assertEquals(await storedIds(isolate, ROOM), ["first"]);
  await lock.release();
  await untilDrained(world);
  assertEquals((await isolate.history(ROOM, { after: 0, limit: 1 })).head, 601);
});

testOnPostgres(
  "a room that is locked nearly all the time does not keep staged messages away",
  async (world) => {
    const isolate = await world.open();
    await isolate.publish(ROOM, [draft("first")]);
    const listener = await Listener.open(isolate, ROOM);
    const end = new AbortController();
    // As isolates that publish do: each waits for the room, and has it for a few milliseconds.
    const publishers = range(1, 4).map(async () => {
      await using connection = connectTo(world.database.url);
      while (!end.signal.aborted) {
        await connection.sql.begin(async (transaction) => {
          await transaction`select from rooms.rooms where name = ${ROOM} for no key update`;
          await transaction`select pg_sleep(0.005)`;
        });
      }
    });
    try {
      for (const id of ids("m", 5)) {
        await stage(world, ROOM, [id]);
        await listener.untilId(id);
      }
    } finally {
      end.abort();
      await Promise.all(publishers);
    }
  },
);

testOnPostgres("a writer notifies only to wake a living isolate", async (world) => {
  const { sql } = world.database;
  await using watch = connectTo(world.database.url);
  let notified = 0;
  await watch.sql.listen(privateChannel(await world.channelKey(), "rooms:staged"), () => notified++);
  /** Waits until earlier notifications have arrived. */
  const flush = async () => {
    const marker = Promise.withResolvers<void>();
    const { unlisten } = await watch.sql.listen("marker", () => marker.resolve());
    await sql`select pg_notify('marker', '')`;
    await marker.promise;
    await unlisten();
  };
  await stage(world, ROOM, ids("nobody", 20));
  await flush();
  assertEquals(notified, 0);
  const isolate = await world.open();
  await untilDrained(world);
  await eventually(
    () => sql`select from rooms.drainer where polls_until < rooms.now_ms() - 500`,
    ({ length }) => length === 1,
  );
  await stage(world, ROOM, ["wakes"]);
  await untilDrained(world);
  await flush();
  assertEquals(notified, 1);
  await stage(world, ROOM, ids("polled", 20));
  await untilDrained(world);
  await flush();
  assertEquals(notified, 1);
  // An isolate that closes leaves the next message to another one.
  const other = await world.open();
  await isolate.close();
  await stage(world, ROOM, ["after"]);
  await untilDrained(world);
  assertEquals((await other.history(ROOM, { after: 0, limit: 1 })).head, 42);
});
