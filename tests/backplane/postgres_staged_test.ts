/** Tests of `rooms.publish()`: what it refuses, and how isolates store what it staged. */
import { privateChannel } from "../../packages/server/src/backplane/postgres/channel.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { PostgresBackplane } from "../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { connectTo } from "../../tools/support/postgres/database.ts";
import { leaveOpen } from "./open_transaction.ts";
import { Listener } from "./listener.ts";
import type { PostgresTestWorld } from "./postgres_world.ts";
import { draft, range } from "./samples.ts";
import { testOnPostgres } from "./test_on_postgres.ts";
import { withRetention } from "./world.ts";

const ROOM = "rooms/a";

/** Publishes one message for each id, each in a transaction of its own. */
async function stage(world: PostgresTestWorld, room: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) await world.database.sql`select rooms.publish(${room}, 'said', '1', ${id})`;
}

function ids(prefix: string, count: number): string[] {
  return range(1, count).map((number) => `${prefix}${number}`);
}

/** Waits until nothing is staged. */
async function untilDrained(world: PostgresTestWorld): Promise<void> {
  const staged = () =>
    world.database.sql<{ count: number }[]>`select count(*)::int as count from rooms.staged`;
  await eventually(staged, ([row]) => row?.count === 0);
}

async function storedIds(isolate: PostgresBackplane, room: string): Promise<string[]> {
  const { messages } = await isolate.history(room, { after: 0, limit: 1_000 });
  return messages.map(({ id }) => id);
}

testOnPostgres(
  "a publish in SQL is delivered on commit, in the order of the calls, and never after a rollback",
  async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(isolate, ROOM);
    const { sql } = world.database;
    await sql.begin(async (transaction) => {
      await transaction`select rooms.publish(${ROOM}, 'gone', '{}')`;
      throw new Error("rolled back");
    }).catch(() => {/* as intended */});
    const [first] = await sql<{ id: string }[]>`
    select rooms.publish(${ROOM}, 'row changed', '{"id": 1}', 'first') as id
  `;
    assertEquals(first?.id, "first");
    await sql`select rooms.publish(${ROOM}, 'two', '2', sender => 'job'), rooms.publish(${ROOM}, 'three', ${
      sql.json("a\u001fb\u0010c")
    })`;
    await listener.untilOffset(3);
    assertEquals(listener.messages.map(({ event, data, from }) => [event, data, from]), [
      ["row changed", '{"id": 1}', { user: "postgres" }],
      ["two", "2", { user: "job" }],
      ["three", '"a\\u001fb\\u0010c"', { user: "postgres" }],
    ]);
  },
);

testOnPostgres(
  "a repeated id in SQL is the same message for as long as the service's window",
  async (world) => {
    const isolate = await world.open();
    await isolate.publish(ROOM, [draft("sent", { from: { user: "postgres" } })]);
    await stage(world, ROOM, ["m", "m", "sent", "other"]);
    await untilDrained(world);
    await stage(world, ROOM, ["m"]);
    await untilDrained(world);
    assertEquals(await storedIds(isolate, ROOM), ["sent", "m", "other"]);
    await world.advance(200_000);
    await stage(world, ROOM, ["m"]);
    await untilDrained(world);
    assertEquals(await storedIds(isolate, ROOM), ["sent", "m", "other"]);
    await world.advance(200_000);
    await stage(world, ROOM, ["m"]);
    await untilDrained(world);
    assertEquals(await storedIds(isolate, ROOM), ["sent", "m", "other", "m"]);
  },
  withRetention({ dedupeMs: 300_000 }),
);

testOnPostgres(
  "a publish in SQL of what the protocol forbids is raised at the call",
  async ({ database }) => {
    const { sql } = database;
    const refused: readonly (readonly [string, string])[] = [
      ["null, 'e', '1'", "must not be null"],
      [`'${ROOM}', null, '1'`, "must not be null"],
      [`'${ROOM}', 'e', null`, "must not be null"],
      [`'${ROOM}', 'e', '1', null`, "must not be null"],
      [`'${ROOM}', 'e', '1', 'i', null`, "must not be null"],
      ["'lobby', 'e', '1'", "an endpoint, a slash and an id"],
      ["'rooms/has space!', 'e', '1'", "an endpoint, a slash and an id"],
      ["'rooms/a/b', 'e', '1'", "an endpoint, a slash and an id"],
      [`'rooms/${"x".repeat(129)}', 'e', '1'`, "an endpoint, a slash and an id"],
      [`'realtime/${"ü".repeat(101)}', 'e', '1'`, "an endpoint, a slash and an id"],
      [`'${ROOM}', '', '1'`, "event has 0 characters"],
      [`'${ROOM}', '${"x".repeat(3_000)}', '1'`, "event has 3000 characters"],
      [`'${ROOM}', 'e', '1', ''`, "id has 0 characters"],
      [`'${ROOM}', 'e', '1', '${"x".repeat(500)}'`, "id has 500 characters"],
      [`'${ROOM}', 'e', '1', 'i', ''`, "sender has 0 characters"],
      [`'${ROOM}', 'e', to_jsonb(repeat('x', 300000))`, "data has 300002 bytes"],
      [`'${ROOM}', 'e', (repeat('[', 65) || repeat(']', 65))::jsonb`, "deeper than 64 levels"],
      [`'${ROOM}', 'e', (repeat('{"a":', 64) || '[]' || repeat('}', 64))::jsonb`, "deeper than 64 levels"],
    ];
    for (const [parameters, text] of refused) {
      await assertRejects(() => sql.unsafe(`select rooms.publish(${parameters})`).execute(), Error, text);
    }
    const permitted = [
      `'rooms/${"x".repeat(128)}', 'e', '1'`,
      `'tables/A-z.0_~:', '${"x".repeat(64)}', '1', '${"x".repeat(64)}', '${"x".repeat(256)}'`,
      `'realtime/any thing/${"ü".repeat(90)}', 'e', '1'`,
      "'realtime-private/{x}', 'e', '1'",
      `'${ROOM}', 'e', to_jsonb(repeat('x', 65534))`,
      `'${ROOM}', 'e', (repeat('{"a":[', 32) || '1' || repeat(']}', 32))::jsonb`,
      `'${ROOM}', 'e', (select jsonb_agg('[]'::jsonb) from generate_series(1, 200))`,
    ];
    for (const parameters of permitted) await sql.unsafe(`select rooms.publish(${parameters})`);
    const [row] = await sql<{ count: number }[]>`select count(*)::int as count from rooms.staged`;
    assertEquals(row?.count, permitted.length);
  },
);

testOnPostgres('callers of the release before that name "user" still get an offset', async (world) => {
  const isolate = await world.open();
  const { sql } = world.database;
  const statements = [
    `room => '${ROOM}', event => 'e', data => '1', "user" => 'job'`,
    `room => '${ROOM}', event => 'e', data => '2', id => 'i', "user" => 'job'`,
    `room => '${ROOM}', event => 'e', data => '3', id => 'i', "user" => 'job', dedupe_ms => 1000`,
  ];
  const offsets: unknown[] = [];
  for (const parameters of statements) {
    const [row] = await sql.unsafe(`select rooms.publish(${parameters})::int as stored`);
    offsets.push(row?.["stored"]);
  }
  assertEquals(offsets, [1, 2, 2]);
  await sql`select rooms.publish(${ROOM}, 'e', '4', 'j', 'job')`;
  await untilDrained(world);
  const { messages } = await isolate.history(ROOM, { after: 0, limit: 10 });
  assertEquals(messages.map(({ data, from }) => [data, from.user]), [["1", "job"], ["2", "job"], [
    "4",
    "job",
  ]]);
});

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

testOnPostgres("service_role publishes as PostgREST calls it, and users may not", async (world) => {
  const isolate = await world.open();
  const listener = await Listener.open(isolate, ROOM);
  const { sql } = world.database;
  const body = { room: ROOM, event: "sale", data: { item: 7 } };
  const call = (role: string) =>
    sql.begin(async (transaction) => {
      await transaction.unsafe(`set local role ${role}`);
      return await transaction`
        select called.publish from (select ${sql.json(body)}::json as body) as request,
        lateral (
          select * from json_to_record(request.body) as given(room text, event text, data jsonb)
        ) as given,
        lateral (
          select rooms.publish(room => given.room, event => given.event, data => given.data)
        ) as called`;
    });
  const [row] = await call("service_role");
  await listener.untilId(String(row?.["publish"]));
  assertEquals(listener.messages.map(({ event, data }) => [event, data]), [["sale", '{"item": 7}']]);
  for (const role of ["anon", "authenticated"]) {
    await assertRejects(() => call(role), Error, "permission denied");
  }
});
