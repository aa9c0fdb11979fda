/** Tests the Postgres backplane with broken connections, a stopped server, and lost rooms. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { deadline, delay } from "@std/async";
import {
  type Backplane,
  BackplaneUnavailable,
  type Stored,
} from "../../packages/server/src/backplane/contract.ts";
import { isWithoutPostgres, PostgresServer } from "../../tools/support/postgres/server.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";
import { Listener } from "./listener.ts";
import { startTlsServer } from "./postgres_tls_server.ts";
import { overTls, PostgresTestWorld, type PostgresWorldOptions } from "./postgres_world.ts";
import { draft, drafts, entry, ephemeral, range } from "./samples.ts";
import { testOnPostgresAndTls } from "./test_on_postgres.ts";

/** Time for which a test retries while connections are cut, in milliseconds. */
const RETRY_FOR_MS = 20_000;
/** Pause between two retries, in milliseconds. */
const RETRY_AFTER_MS = 10;

/** Publishes until the message is stored, as a client does. */
async function publishUntilStored(isolate: Backplane, room: string, id: string): Promise<readonly Stored[]> {
  for (const giveUpAt = performance.now() + RETRY_FOR_MS;;) {
    try {
      return await isolate.publish(room, [draft(id)]);
    } catch (error) {
      if (!(error instanceof BackplaneUnavailable) || performance.now() > giveUpAt) throw error;
      await delay(RETRY_AFTER_MS);
    }
  }
}

/** Waits until an isolate has lost its connection, or an attempt to connect has failed. */
async function untilLost(world: PostgresTestWorld, before: number): Promise<void> {
  await eventually(
    () => Promise.resolve(world.events.slice(before).some(({ type }) => type === "lost")),
    (isLost) => isLost,
  );
}

testOnPostgresAndTls(
  "connections cut during publishes lose no message and duplicate none",
  async (world) => {
    const isolates = [await world.open(), await world.open()];
    const listeners = await Promise.all(isolates.map((isolate) => Listener.open(isolate, "r")));
    const perIsolate = 150;
    const publishing = isolates.map(async (isolate, index) => {
      for (const number of range(1, perIsolate)) {
        await publishUntilStored(isolate, "r", `${index}-${number}`);
        if (number % 50 === 25) await world.cut(index === 0 ? "all" : "listening");
      }
    });
    await Promise.all(publishing);
    const count = 2 * perIsolate;
    // A read that was under way during the last cut is rejected as well.
    const page = await eventually(
      async () => await isolates[0]?.history("r", { after: 0, limit: 1_000 }).catch(() => undefined),
      (page) => page !== undefined,
    );
    const { messages, head } = page ?? {};
    assertEquals(head, count);
    assertEquals(new Set(messages?.map(({ id }) => id)).size, count);
    for (const listener of listeners) {
      await listener.untilOffset(count);
      assertEquals(listener.offsets, range(1, count));
      assertEquals(listener.messages, messages);
    }
    // The cuts were noticed, and reported.
    assert(world.events.some(({ type }) => type === "lost"));
  },
);

testOnPostgresAndTls(
  "messages and presence changes during a lost listening connection are delivered afterwards",
  async (world) => {
    const isolate = await world.open();
    const other = await world.open();
    for (const name of ["alice1", "bob1", "carol1"]) await other.enter("r", entry(name));
    const listener = await Listener.open(isolate, "r");
    await isolate.publish("r", [draft("before")]);
    await listener.untilId("before");
    // The isolate reconnects by itself, before or after the following changes.
    await world.cut("listening");
    await other.publish("r", drafts("m", 5));
    await other.leave("r", "alice1");
    await other.enter("r", entry("bob1", '{"a":1}'));
    await other.resume("r", { user: "carol", connection: "carol2", previous: "carol1" });
    await other.enter("r", entry("dave1"));
    await isolate.publish("r", [draft("after")]);
    await listener.untilOffset(7);
    await listener.untilChanges(4);
    assertEquals(listener.offsets, range(1, 7));
    assertEquals(listener.present, [entry("bob1", '{"a":1}'), entry("carol2"), entry("dave1")]);
    const carol = listener.changes.find(({ entry }) => entry.user === "carol");
    assertEquals(carol, { type: "updated", entry: entry("carol2"), previous: "carol1" });
  },
);

testOnPostgresAndTls("messages trimmed during a lost connection are delivered as a gap", async (world) => {
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.publish("r", [draft("1")]);
  await listener.untilOffset(1);
  const { sql } = world.database;
  await sql.begin(async (transaction) => {
    // These rows send no notification, as if they were written during the lost connection.
    await transaction`
      insert into rooms.messages (room_id, "offset", key, id, event, data, "user", at)
      select id, n, '', n::text, 'said', 'null', 'alice', rooms.now_ms() from rooms.rooms, generate_series(2, 9) as n
    `;
    await transaction`update rooms.rooms set head = 9`;
    await transaction`delete from rooms.messages where "offset" between 2 and 5`;
  });
  await world.cut("listening");
  await listener.untilOffset(9);
  assertEquals(
    listener.events.slice(1).map((event) => event.type === "messages" ? event.messages.length : event),
    [
      { type: "gap", from: 2, to: 5 },
      4,
    ],
  );
});

testOnPostgresAndTls("a gap between notifications is read from the table", async (world) => {
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.publish("r", [draft("1")]);
  await world.database.sql.begin(async (transaction) => {
    await transaction`
      insert into rooms.messages (room_id, "offset", key, id, event, data, "user", at)
      select id, 2, '', 'unannounced', 'said', 'null', 'alice', rooms.now_ms() from rooms.rooms
    `;
    await transaction`update rooms.rooms set head = 2`;
  });
  await isolate.publish("r", [draft("3")]);
  await listener.untilOffset(3);
  assertEquals(listener.ids, ["1", "unannounced", "3"]);
  assertEquals(listener.offsets, [1, 2, 3]);
});

testOnPostgresAndTls(
  "a room whose history was lost is reset, and can be subscribed to again",
  async (world) => {
    const isolate = await world.open();
    const other = await world.open();
    const listener = await Listener.open(isolate, "r");
    await isolate.publish("r", drafts("m", 3));
    await listener.untilOffset(3);
    await world.database.sql`truncate rooms.rooms, rooms.messages`;
    assertEquals(await other.publish("r", [draft("new")]), [{ offset: 1, duplicate: false }]);
    const again = await Listener.open(isolate, "r");
    assert(again.subscription.epoch !== listener.subscription.epoch);
    assertEquals(again.subscription.head, 1);
    await other.publish("r", [draft("newer")]);
    await again.untilId("newer");
    assertEquals(again.offsets, [2]);
    await eventually(() => Promise.resolve(listener.events.at(-1)?.type), (type) => type === "reset");
    assertEquals(listener.offsets, [1, 2, 3]);
  },
);

testOnPostgresAndTls(
  "a room that lost its newest messages, for example by a failover, is reset",
  async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(isolate, "r");
    await isolate.publish("r", drafts("m", 3));
    await listener.untilOffset(3);
    const { sql } = world.database;
    await sql`with gone as (delete from rooms.messages where "offset" > 1) update rooms.rooms set head = 1`;
    await world.cut("listening");
    await eventually(() => Promise.resolve(listener.events.at(-1)?.type), (type) => type === "reset");
    const page = await isolate.history("r", { after: 0, limit: 10 });
    assert(page.epoch !== listener.subscription.epoch);
    assertEquals(page.messages.map(({ id }) => id), ["m1"]);
  },
);

testOnPostgresAndTls(
  "an isolate closes at any moment of its start, and without a server",
  async (world) => {
    for (const waitMs of [0, 1, 3, 10, 30, 100]) {
      const isolate = world.start();
      await delay(waitMs);
      await deadline(isolate.close(), PATIENCE_MS);
    }
    const unreachable = world.start({ url: "postgres://nobody@127.0.0.1:1/nothing" });
    await assertRejects(() => unreachable.ready(), BackplaneUnavailable);
    await deadline(unreachable.close(), PATIENCE_MS);
  },
);

for (const isEncrypted of [false, true]) {
  Deno.test({
    name: `postgres${
      isEncrypted ? " over TLS" : ""
    }: a stopped server is reported as unavailable, and rooms resume when it is back`,
    ignore: isWithoutPostgres,
    fn: async () => {
      const { server, options } = await startServer(isEncrypted);
      try {
        await using world = await PostgresTestWorld.create({ ...options, retryMs: 200 });
        const isolates = [await world.open(), await world.open()] as const;
        const listeners = await Promise.all(isolates.map((isolate) => Listener.open(isolate, "r")));
        await isolates[0].enter("r", entry("alice1"));
        await isolates[0].publish("r", [draft("1")]);
        for (const listener of listeners) await listener.untilOffset(1);

        const before = world.events.length;
        await server.stop();
        await untilLost(world, before);
        for (const isolate of isolates) {
          await assertRejects(() => isolate.ready(), BackplaneUnavailable);
          // Rejected immediately or within a bound.
          await deadline(
            assertRejects(() => isolate.publish("r", [draft("2")]), BackplaneUnavailable),
            5_000,
          );
          await deadline(assertRejects(() => isolate.subscribe("r", () => {}), BackplaneUnavailable), 5_000);
        }
        await server.resume();
        await publishUntilStored(isolates[0], "r", "2");
        await publishUntilStored(isolates[1], "r", "3");
        for (const listener of listeners) {
          await listener.untilOffset(3);
          assertEquals(listener.ids, ["1", "2", "3"]);
          assertEquals(listener.present, [entry("alice1")]);
        }
        await isolates[1].emit("r", ephemeral("passing"));
        for (const listener of listeners) await listener.untilId("passing");

        // A crash empties unlogged tables; presence is restored all the same.
        await server.stop("immediate");
        await server.resume();
        await publishUntilStored(isolates[0], "r", "4");
        for (const isolate of isolates) {
          await eventually(() => isolate.ready().then(() => true, () => false), Boolean);
        }
        await isolates[1].enter("r", entry("marker1"));
        for (const listener of listeners) {
          await listener.untilOffset(4);
          await listener.untilJoined("marker1");
          assertEquals(listener.present, [entry("alice1"), entry("marker1")]);
        }
      } finally {
        await server.stop("immediate");
      }
    },
  });
}

/** Starts a server of the test's own, and returns the options of its world. */
async function startServer(
  isEncrypted: boolean,
): Promise<{ readonly server: PostgresServer; readonly options: PostgresWorldOptions }> {
  if (!isEncrypted) {
    const server = await PostgresServer.start();
    return { server, options: { server: server.url } };
  }
  const starting = startTlsServer();
  return { server: (await starting).server, options: await overTls(starting) };
}
