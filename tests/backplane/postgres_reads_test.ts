/** Tests that reads on Postgres are bounded in bytes, and delay no publish. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { BackplaneUnavailable, type PageRequest } from "../../packages/server/src/backplane/contract.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { Listener } from "./listener.ts";
import type { PostgresTestWorld } from "./postgres_world.ts";
import { draft, drafts, entry, range } from "./samples.ts";
import { testOnPostgres } from "./test_on_postgres.ts";

const MAX_PAGE_BYTES = 262_144;

/** Inserts messages of 60,000 bytes after the last one of the room, without a notification. */
async function insertLarge(
  { database: { sql } }: PostgresTestWorld,
  room: string,
  count: number,
): Promise<void> {
  await sql`
    with text as materialized (select string_agg(md5(n::text), '') as text from generate_series(1, 1875) as n)
    insert into rooms.messages (room_id, "offset", key, id, event, data, "user", at)
    select id, head + n, '', 'm' || head + n, 'said', '"' || text || '"', 'alice', rooms.now_ms()
    from rooms.rooms, text, generate_series(1, ${count}) as n where name = ${room}
  `;
  await sql`update rooms.rooms set head = head + ${count} where name = ${room}`;
}

function bytesOf(messages: readonly { readonly data: string }[]): number {
  return messages.reduce((sum, { data }) => sum + data.length, 0);
}

testOnPostgres(
  "a page has at most 256 KB, and pages in both directions bring every message",
  async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", [draft("m1")]);
    await insertLarge(world, "r", 20);
    const read = async (request: PageRequest) => {
      const page = await isolate.history("r", request);
      assert(
        page.messages.length > 1 && bytesOf(page.messages) <= MAX_PAGE_BYTES,
        `${bytesOf(page.messages)} bytes`,
      );
      return { ...page, offsets: page.messages.map(({ offset }) => offset) };
    };
    const forwards: number[] = [];
    for (let more = true; more;) {
      const page = await read({ after: forwards.at(-1) ?? 0, limit: 500 });
      forwards.push(...page.offsets);
      more = page.more;
    }
    assertEquals(forwards, range(1, 21));
    const backwards: number[] = [];
    for (let more = true; more;) {
      const page = await read({ before: backwards[0] ?? 22, limit: 500 });
      backwards.unshift(...page.offsets);
      more = page.more;
    }
    assertEquals(backwards, range(1, 21));
  },
);

testOnPostgres("a message above 256 KB makes a page of its own", async (world) => {
  const isolate = await world.open();
  await isolate.publish("r", [
    draft("before"),
    draft("large", { data: `"${"x".repeat(400_000)}"` }),
    draft("after"),
  ]);
  const ids = async (request: PageRequest) =>
    (await isolate.history("r", request)).messages.map(({ id }) => id);
  for (const [offset, id] of ["before", "large", "after"].entries()) {
    assertEquals(await ids({ after: offset, limit: 500 }), [id]);
    assertEquals(await ids({ before: offset + 2, limit: 500 }), [id]);
  }
});

testOnPostgres("what a stream missed is read in pages of at most 256 KB", async (world) => {
  const isolate = await world.open();
  await isolate.publish("r", [draft("m1")]);
  const listener = await Listener.open(isolate, "r");
  await insertLarge(world, "r", 50);
  await isolate.publish("r", [draft("last")]);
  await listener.untilId("last");
  assertEquals(listener.offsets, range(2, 52));
  const sizes = listener.events.map((event) => event.type === "messages" ? bytesOf(event.messages) : 0);
  assert(Math.max(...sizes) <= MAX_PAGE_BYTES, String(sizes));
});

testOnPostgres("a new connection reads what many rooms missed with bounded statements", async (world) => {
  const isolate = await world.open();
  const rooms = range(1, 20).map((number) => `r${number}`);
  for (const room of rooms) await isolate.publish(room, [draft("m1")]);
  const listeners = await Promise.all(rooms.map((room) => Listener.open(isolate, room)));
  for (const room of rooms) await insertLarge(world, room, 10);
  const [row] = await world.database.sql<{ bytes: string }[]>`
    select sum(octet_length(messages)) as bytes
    from rooms.snapshots(
      array(select name from rooms.rooms), array(select 1 from rooms.rooms), array(select 0 from rooms.rooms),
      array(select null::text from rooms.rooms), 500, ${MAX_PAGE_BYTES}
    )
  `;
  // One message of each room, which alone is longer than its share.
  assert(Number(row?.bytes) < rooms.length * 61_000, row?.bytes);
  await world.cut("listening");
  for (const listener of listeners) {
    await listener.untilOffset(11);
    assertEquals(listener.offsets, range(2, 11));
  }
});

testOnPostgres("an isolate of the release before reads as it did", async (world) => {
  const isolate = await world.open();
  await isolate.publish("r", drafts("m", 3));
  const { sql } = world.database;
  const [page] = await sql`select * from rooms.page('r', 0, null, 2, 1000, 3600000)`;
  const [snapshot] = await sql`select * from rooms.snapshots(array['r'], array[1], array[0], 500)`;
  const offsets = (text: string) => text.split("\u001e").map((record) => Number(record.split("\u001f")[1]));
  assertEquals([offsets(page?.["messages"]), offsets(snapshot?.["messages"])], [[1, 2], [2, 3]]);
});

testOnPostgres("reading presence does not wait for the connection that writes", async (world) => {
  const isolate = await world.open();
  await isolate.enter("r", entry("alice1"));
  const { sql } = world.database;
  let renewing: Promise<unknown> | undefined;
  await sql.begin(async (transaction) => {
    await transaction`lock table rooms.isolates in access exclusive mode`;
    renewing = isolate.renew();
    await eventually(
      () => transaction`select from pg_stat_activity where wait_event_type = 'Lock'`,
      ({ length }) => length > 0,
    );
    assertEquals(await isolate.present("r"), [entry("alice1")]);
  });
  await renewing;
});

testOnPostgres(
  "a room that an open transaction makes delays no subscription to another one",
  async (world) => {
    const isolate = await world.open();
    await world.database.sql.begin(async (transaction) => {
      await transaction`select rooms.make(array['locked'])`;
      const locked = isolate.subscribe("locked", () => {});
      locked.catch(() => {/* awaited below */});
      const startedAt = performance.now();
      (await isolate.subscribe("other", () => {})).close();
      assert(performance.now() - startedAt < 2_000);
      await assertRejects(() => locked, BackplaneUnavailable, "Retry");
    });
    const { head } = await isolate.subscribe("locked", () => {});
    assertEquals(head, 0);
  },
);
