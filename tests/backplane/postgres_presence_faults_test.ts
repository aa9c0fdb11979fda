/** Tests presence on Postgres: lost tables, an expired lease, failed writes, a dead isolate. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { Listener, sortEntries } from "./listener.ts";
import { entry, range } from "./samples.ts";
import { testOnPostgresAndTls } from "./test_on_postgres.ts";

testOnPostgresAndTls(
  "presence that the database lost is entered again by the isolate that owns it",
  async (world) => {
    const isolate = await world.open();
    const other = await world.open();
    await isolate.enter("r", entry("alice1", '{"a":1}'));
    await other.enter("r", entry("bob1"));
    await other.enter("r", entry("carol1"));
    await other.linger("r", "carol1", 60_000);
    const listener = await Listener.open(isolate, "r");
    // Same effect as a crash, which empties unlogged tables.
    await world.database.sql`truncate rooms.presence, rooms.presence_versions, rooms.isolates, rooms.passing`;
    await world.cut();
    // Each isolate refuses calls until its own attempt to connect is complete.
    for (const one of [other, isolate]) {
      const present = await eventually(() => one.present("r").catch(() => []), ({ length }) => length === 2);
      assertEquals(sortEntries(present), [entry("alice1", '{"a":1}'), entry("bob1")]);
    }
    await other.enter("r", entry("marker1"));
    await listener.untilJoined("marker1");
    assertEquals(listener.present, [entry("alice1", '{"a":1}'), entry("bob1"), entry("marker1")]);
  },
);

testOnPostgresAndTls(
  "an isolate that runs although its lease expired gets its entries back",
  async (world) => {
    const isolate = await world.open();
    const other = await world.open();
    await isolate.enter("r", entry("alice1"));
    await isolate.enter("r", entry("bob1"));
    const listener = await Listener.open(other, "r");
    const { sql } = world.database;
    await sql`update rooms.isolates set expires_at = rooms.now_ms() where id = ${isolate.isolate}`;
    await other.sweep();
    await isolate.leave("r", "bob1");
    await isolate.renew();
    await world.advance(60_000);
    await other.enter("r", entry("marker1"));
    await listener.untilJoined("marker1");
    assertEquals(listener.changes, [
      { type: "left", entry: entry("bob1") },
      { type: "joined", entry: entry("marker1") },
    ]);
    assertEquals(sortEntries(await other.present("r")), [entry("alice1"), entry("marker1")]);
  },
);

testOnPostgresAndTls(
  "departures that failed to be written are written later, except for members who came back",
  async (world) => {
    const isolate = await world.open();
    const other = await world.open();
    const listener = await Listener.open(other, "r");
    for (const name of ["alice1", "bob1", "carol1"]) await isolate.enter("r", entry(name));
    await listener.untilChanges(3);
    const { sql } = world.database;
    await sql`alter function rooms.leave(text, text) rename to gone_leave`;
    await sql`alter function rooms.linger(text, text, bigint) rename to gone_linger`;
    await assertRejects(() => isolate.leave("r", "alice1"));
    await assertRejects(() => isolate.linger("r", "bob1", 0));
    await assertRejects(() => isolate.leave("r", "carol1"));
    await sql`alter function rooms.gone_leave(text, text) rename to leave`;
    await sql`alter function rooms.gone_linger(text, text, bigint) rename to linger`;
    await isolate.enter("r", entry("carol1", '{"back":1}'));
    await isolate.renew();
    await isolate.sweep();
    assertEquals(await other.present("r"), [entry("carol1", '{"back":1}')]);
    await listener.untilChanges(6);
    assertEquals(listener.changes.slice(3).map(({ type, entry }) => `${entry.connection} ${type}`).sort(), [
      "alice1 left",
      "bob1 left",
      "carol1 updated",
    ]);
  },
);

testOnPostgresAndTls("of concurrent sweeps, one removes each entry", async (world) => {
  const isolates = [await world.open(), await world.open(), await world.open()];
  const [isolate] = isolates;
  assert(isolate);
  const names = range(1, 20).map((number) => `user${number}`);
  for (const name of names) await isolate.enter("r", { user: name, connection: name, state: "{}" });
  for (const name of names) await isolate.linger("r", name, 1_000);
  const listener = await Listener.open(isolate, "r");
  await world.moveClock(1_000, true);
  await Promise.all([...isolates, ...isolates].map((one) => one.sweep()));
  await isolate.enter("r", entry("marker1"));
  await listener.untilJoined("marker1");
  assertEquals(listener.changes.map(({ entry }) => entry.connection), [...names, "marker1"]);
});

testOnPostgresAndTls("the periodic jobs remove the entries of a dead isolate", async (world) => {
  const died = await world.open();
  const other = await world.open();
  await died.enter("r", entry("alice1"));
  const listener = await Listener.open(other, "r");
  await died.abandon();
  await listener.untilChanges(1);
  assertEquals(listener.changes, [{ type: "left", entry: entry("alice1") }]);
}, { leaseMs: 600, graceMs: 300, sweepMs: 100 });
