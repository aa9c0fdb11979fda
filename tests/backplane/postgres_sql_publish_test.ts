/** Tests of `rooms.publish()`: the call accepts, refuses and answers. */
import { assertEquals, assertRejects } from "@std/assert";
import { Listener } from "./listener.ts";
import { draft } from "./samples.ts";
import { ROOM, stage, storedIds, untilDrained } from "./staged_messages.ts";
import { testOnPostgres } from "./test_on_postgres.ts";
import { withRetention } from "./world.ts";

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
