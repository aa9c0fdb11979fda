/**
 * Tests that retention removes everything that is due, without delaying others, and that rooms
 * which nobody uses have no row.
 */
import { assert, assertEquals } from "@std/assert";
import type { PostgresBackplane } from "../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { Listener } from "./listener.ts";
import type { PostgresTestWorld } from "./postgres_world.ts";
import { draft, drafts, entry, range } from "./samples.ts";
import { testOnPostgres } from "./test_on_postgres.ts";
import { withRetention } from "./world.ts";

const { retention } = withRetention({ messages: 10, ageMs: 600_000, dedupeMs: 60_000 });
/** Longer than the pause between two walks. */
const NEXT_WALK_MS = 30_000;
const UNUSED_MS = 900_000;
const MAINTENANCE_IDLE_MS = 5_000;
const DAY_MS = 86_400_000;

async function count({ database: { sql } }: PostgresTestWorld, table: string): Promise<number> {
  const [row] = await sql<{ count: string }[]>`select count(*) from ${sql(table)}`;
  return Number(row?.count);
}

/** Inserts rooms with expired messages, as an app with a room for each document leaves behind. */
async function insertExpired(world: PostgresTestWorld, rooms: number, messages: number): Promise<void> {
  await world.database.sql.unsafe(`
    insert into rooms.rooms (channel, name, head, last_at)
    select rooms.channel_of('rooms/' || n), 'rooms/' || n, ${messages}, rooms.now_ms() - 2 * ${DAY_MS}
    from generate_series(1, ${rooms}) as n;
    insert into rooms.messages (room_id, "offset", key, id, event, data, "user", at)
    select r.id, n, rooms.key_of('alice', n::text), n::text, 'said', '"expired"', 'alice', rooms.now_ms() - 2 * ${DAY_MS}
    from rooms.rooms r cross join generate_series(1, ${messages}) as n where r.name like 'rooms/%';
    analyze rooms.rooms, rooms.messages;
  `);
}

testOnPostgres(
  "one pass removes 100,000 expired messages of 20,000 rooms, while another room is published to",
  async (world) => {
    const publisher = await world.open();
    const trimmer = await world.open();
    const listener = await Listener.open(publisher, "calm");
    await insertExpired(world, 20_000, 5);
    let isTrimming = true;
    const waits: number[] = [];
    const publishing = (async () => {
      while (isTrimming) {
        const from = performance.now();
        await publisher.publish("calm", [draft(`m${waits.length}`)]);
        waits.push(performance.now() - from);
      }
    })();
    const startedAt = performance.now();
    const deleted = await trimmer.trim().finally(() => isTrimming = false);
    const tookMs = performance.now() - startedAt;
    await publishing;
    assertEquals(deleted, 100_000);
    assert(tookMs < 30_000, `it took ${tookMs} ms`);
    assertEquals(await count(world, "rooms.messages"), waits.length);
    const worst = Math.max(...waits);
    assert(waits.length > 10 && worst < 1_000, `${waits.length} publishes, the slowest took ${worst} ms`);
    await listener.untilOffset(waits.length);
    // The rooms go with the next pass.
    await world.moveClock(NEXT_WALK_MS, true);
    assertEquals(await trimmer.trim(), 0);
    assertEquals(await count(world, "rooms.rooms"), 1);
  },
  { trimBudgetMs: 60_000 },
);

testOnPostgres("a pass that runs out of time is continued by the next one, of any isolate", async (world) => {
  await insertExpired(world, 2_500, 6);
  const isolates = [await world.open(), await world.open()] as const;
  assertEquals(await isolates[0].trim(), 6_000);
  assertEquals(await isolates[1].trim(), 6_000);
  assertEquals(await isolates[0].trim(), 3_000);
  assertEquals(await count(world, "rooms.messages"), 0);
}, { trimBudgetMs: 0 });

testOnPostgres("a room with more than a step's messages is emptied by one pass", async (world) => {
  await insertExpired(world, 2, 12_000);
  const isolate = await world.open();
  assertEquals(await isolate.trim(), 24_000);
  assertEquals(await count(world, "rooms.messages"), 0);
});

testOnPostgres(
  "an isolate leaves trimming to another one that is at it, or has just done it",
  async (world) => {
    const isolate = await world.open();
    const { sql } = world.database;
    await sql.begin(async (transaction) => {
      await transaction`select rooms.trim(1, 1, 1)`;
      assertEquals(await isolate.trim(), undefined);
    });
    assertEquals(await isolate.trim(), undefined);
    await world.moveClock(NEXT_WALK_MS, true);
    assertEquals(await isolate.trim(), 0);
    // A clock that was set back stops nothing.
    await world.moveClock(-2 * NEXT_WALK_MS, true);
    assertEquals(await isolate.trim(), 0);
  },
);

testOnPostgres("an advisory lock of another session does not stop trimming", async (world) => {
  const isolate = await world.open();
  await insertExpired(world, 3, 2);
  await world.database.sql`select pg_advisory_lock(7239415208471)`;
  assertEquals(await isolate.trim(), 6);
  await world.database.sql`select pg_advisory_unlock_all()`;
});

testOnPostgres("the connection for maintenance exists only while there is something to do", async (world) => {
  const isolate = await world.open();
  await isolate.enter("r", entry("alice1"));
  const connections = async () => {
    const { sql } = world.database;
    return (await sql`
      select from pg_stat_activity where datname = current_database() and application_name = 'realtime'
    `).length;
  };
  await isolate.trim();
  assertEquals(await connections(), 4);
  // One writes, one reads, one listens.
  await eventually(connections, (count) => count === 3, 2 * MAINTENANCE_IDLE_MS);
  await isolate.sweep();
  assertEquals(await connections(), 3);
  await isolate.linger("r", "alice1", 0);
  await isolate.sweep();
  assertEquals(await isolate.present("r"), []);
});

testOnPostgres("trimming begins again when its row was lost", async (world) => {
  const isolate = await world.open();
  await insertExpired(world, 3, 2);
  await world.database.sql`delete from rooms.trimming`;
  assertEquals([await isolate.trim(), await isolate.trim()], [undefined, 6]);
});

testOnPostgres("reading an unused room, or leaving it, makes no row", async (world) => {
  const isolate = await world.open();
  for (const number of range(1, 20)) {
    const room = `unused-${number}`;
    const page = await isolate.history(room, { after: 0, limit: 1 });
    assertEquals(page, { epoch: "", head: 0, first: 1, messages: [], more: false });
    assertEquals((await isolate.history(room, { before: 9, limit: 1 })).more, false);
    assertEquals(await isolate.present(room), []);
    await isolate.resume(room, { user: "alice", connection: "a2", previous: "a1" });
    await isolate.linger(room, "a1", 1_000);
    await isolate.leave(room, "a1");
  }
  assertEquals(await count(world, "rooms.rooms"), 0);
});

testOnPostgres(
  "a room without messages, presence and subscriptions is removed within minutes",
  async (world) => {
    const isolate = await world.open();
    const subscription = await isolate.subscribe("abandoned", () => {});
    subscription.close();
    await isolate.enter("present", entry("alice1"));
    await isolate.publish("published", drafts("m", 2));
    await world.moveClock(UNUSED_MS, true);
    await isolate.trim();
    const rooms = await world.database.sql<{ name: string }[]>`select name from rooms.rooms order by name`;
    assertEquals(rooms.map(({ name }) => name), ["present", "published"]);
    // A room with messages keeps its epoch for a day after the last of them.
    await world.moveClock(DAY_MS - UNUSED_MS - 1_000, true);
    await isolate.trim();
    assertEquals((await isolate.history("published", { after: 0, limit: 1 })).head, 2);
    await world.moveClock(UNUSED_MS, true);
    await isolate.trim();
    assertEquals((await isolate.history("published", { after: 0, limit: 1 })).epoch, "");
  },
  { retention },
);

/**
 * Asserts that a subscription to an unused room gets its first message, in the epoch it was told.
 */
async function assertFirstMessage(
  world: PostgresTestWorld,
  isolate: PostgresBackplane,
  listener: Listener,
): Promise<void> {
  const other = await world.open();
  await other.publish("r", [draft("first")]);
  await listener.untilId("first");
  assertEquals(listener.events.map(({ type }) => type), ["messages"]);
  const page = await isolate.history("r", { after: 0, limit: 1 });
  assertEquals([page.epoch, page.head], [listener.subscription.epoch, 1]);
}

testOnPostgres("a room that has subscriptions is not removed before its first message", async (world) => {
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  const { sql } = world.database;
  for (const _ of range(1, 3)) {
    await world.moveClock(UNUSED_MS - 60_000, true);
    const before = await sql`select last_at from rooms.rooms`;
    // The periodic job keeps the room.
    await eventually(
      async () => await sql`select last_at from rooms.rooms`,
      (rows) => rows[0]?.["last_at"] !== before[0]?.["last_at"],
    );
    await isolate.trim();
  }
  await assertFirstMessage(world, isolate, listener);
}, { unusedRoomMs: 3_000 });

testOnPostgres("a room that was removed while its isolate was cut off keeps its epoch", async (world) => {
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  const { sql } = world.database;
  const [before] = await sql`select id from rooms.rooms`;
  // The row goes in the transaction that cuts the isolate off.
  await sql`delete from rooms.rooms`;
  await world.cut();
  await eventually(async () => await sql`select id from rooms.rooms`, (rows) => rows.length === 1);
  const [after] = await sql`select id from rooms.rooms`;
  assert(before?.["id"] !== after?.["id"]);
  await assertFirstMessage(world, isolate, listener);
});

testOnPostgres(
  "a subscription to a room that is removed at the same moment gets its first message",
  async (world) => {
    const isolate = await world.open();
    const remover = await world.open();
    const { sql } = world.database;
    for (const number of range(1, 30)) {
      await sql`
      insert into rooms.rooms (channel, name, last_at)
      values (rooms.channel_of(${`r${number}`}), ${`r${number}`}, rooms.now_ms() - ${2 * UNUSED_MS})
    `;
      await sql`update rooms.trimming set started_at = 0`;
      const [listener] = await Promise.all([Listener.open(isolate, `r${number}`), remover.trim()]);
      await remover.publish(`r${number}`, [draft("first")]);
      await listener.untilId("first");
      assertEquals(listener.events.map(({ type }) => type), ["messages"]);
    }
  },
);
