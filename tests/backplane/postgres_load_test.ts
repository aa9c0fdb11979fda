/**
 * Tests load on Postgres: a backlog, many isolates and rooms, and messages too long for a
 * notification.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { Listener } from "./listener.ts";
import { draft, drafts, entry, ephemeral, range } from "./samples.ts";
import { testOnPostgres } from "./test_on_postgres.ts";

testOnPostgres(
  "a backlog of 10,000 messages is delivered after a lost connection, each once, in order",
  async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(isolate, "r");
    await isolate.publish("r", [draft("first")]);
    await listener.untilOffset(1);
    await world.database.sql.begin(async (transaction) => {
      await transaction`
      insert into rooms.messages (room_id, "offset", key, id, event, data, "user", at)
      select id, n, '', n::text, 'said', 'null', 'alice', rooms.now_ms() from rooms.rooms, generate_series(2, 10001) as n
    `;
      await transaction`update rooms.rooms set head = 10001`;
    });
    await world.cut("listening");
    await listener.untilOffset(10_001);
    assertEquals(listener.offsets, range(1, 10_001));
  },
);

testOnPostgres(
  "three isolates that publish at once see one order without gaps, in every room",
  async (world) => {
    const isolates = [await world.open(), await world.open(), await world.open()];
    const rooms = range(1, 5).map((number) => `r${number}`);
    const listeners = await Promise.all(
      rooms.map((room) => Promise.all(isolates.map((isolate) => Listener.open(isolate, room)))),
    );
    const stored = await Promise.all(
      range(1, 100).flatMap((number) =>
        isolates.flatMap((isolate, index) =>
          rooms.map((room) => isolate.publish(room, drafts(`${index}-${number}-`, 1 + number % 2)))
        )
      ),
    );
    assertEquals(stored.flat().filter(({ duplicate }) => duplicate), []);
    for (const inRoom of listeners) {
      const orders = [];
      for (const listener of inRoom) {
        await listener.untilOffset(450);
        assertEquals(listener.offsets, range(1, 450));
        orders.push(listener.ids);
      }
      assertEquals(orders[1], orders[0]);
      assertEquals(orders[2], orders[0]);
    }
  },
);

testOnPostgres("messages too long for a notification arrive in order", async (world) => {
  const isolate = await world.open();
  const listener = await Listener.open(await world.open(), "r");
  const text = (length: number) => JSON.stringify("é".repeat(length));
  // Sizes around the limit of 7,999 bytes, and well beyond.
  const lengths = [10, ...range(3_900, 3_990).filter((length) => length % 5 === 0), 30_000, 10];
  const expected: string[] = [];
  for (const [index, length] of lengths.entries()) {
    const data = text(length);
    await Promise.all([
      isolate.publish("r", [draft(`stored${index}`, { data }), draft(`small${index}`)]),
      isolate.emit("r", ephemeral(`passing${index}`, { data })),
      isolate.emit("r", ephemeral(`passing${index}`, { data })),
    ]);
    await isolate.enter("r", entry("alice1", JSON.stringify({ index, data })));
    expected.push(`stored${index}`, `small${index}`, `passing${index}`, `passing${index}`);
  }
  await isolate.leave("r", "alice1");
  await isolate.emit("r", ephemeral("last"));
  await listener.untilId("last");
  assertEquals(listener.ids, [...expected, "last"]);
  assertEquals(listener.changes.map(({ type }) => type), [
    "joined",
    ...Array(lengths.length - 1).fill("updated"),
    "left",
  ]);
  for (const { data, id } of [...listener.messages, ...listener.ephemerals]) {
    const index = Number(id.replace(/\D+/, ""));
    if (!id.startsWith("small") && id !== "last") assertEquals(data, text(lengths[index] ?? 0));
  }
});

testOnPostgres(
  "publishes of one tick share a statement, and each call gets its own result",
  async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", [draft("0")]);
    const listener = await Listener.open(isolate, "r");
    const results = await Promise.all([
      isolate.publish("r", [draft("0"), draft("1")]),
      isolate.publish("r2", [draft("1"), draft("1")]),
      isolate.publish("r", [draft("1"), draft("2")]),
      isolate.emit("r", ephemeral("e")),
      isolate.publish("r2", [draft("2")]),
    ]);
    assertEquals(results, [
      [{ offset: 1, duplicate: true }, { offset: 2, duplicate: false }],
      [{ offset: 1, duplicate: false }, { offset: 1, duplicate: true }],
      [{ offset: 2, duplicate: true }, { offset: 3, duplicate: false }],
      undefined,
      [{ offset: 2, duplicate: false }],
    ]);
    await listener.untilId("e");
    assertEquals(listener.ids, ["1", "2", "e"]);
    const rows = await world.database.sql<{ count: string }[]>`
    select count(distinct xmin::text) from rooms.messages where id <> '0'
  `;
    assertEquals(rows[0]?.count, "1");
  },
);

testOnPostgres("publishes beyond maxWaiting are rejected", async (world) => {
  const isolate = await world.open();
  await assertRejects(
    async () => {
      await Promise.all(range(1, 5).map((number) => isolate.publish("r", drafts(`${number}-`, 4))));
    },
    BackplaneUnavailable,
    "Too many",
  );
}, { maxWaiting: 10 });
