/** Tests the Postgres backplane behind a transaction pooler, where LISTEN does not work. */
import { assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { isWithoutPooler, type Pooler, startPooler } from "../support/servers/pooler.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { Listener } from "./listener.ts";
import { PostgresTestWorld } from "./postgres_world.ts";
import { draft, drafts, entry, ephemeral, range } from "./samples.ts";

function poolerTest(
  statement: string,
  run: (world: PostgresTestWorld, pooler: Pooler) => Promise<void>,
): void {
  Deno.test({
    name: `postgres behind a pooler: ${statement}`,
    ignore: isWithoutPostgres || isWithoutPooler,
    fn: async () => {
      await using world = await PostgresTestWorld.create({ retryMs: 200, pollMs: 50, echoMs: 500 });
      await using pooler = await startPooler(world.database.url);
      try {
        await run(world, pooler);
      } finally {
        // The isolates close before the pooler ends.
        await world.close();
      }
    },
  });
}

poolerTest(
  "the backplane detects that LISTEN does not work, and reports poll mode",
  async (world, { url }) => {
    const isolate = world.start({ url });
    await isolate.ready();
    assertEquals(world.events.map((event) => event.type === "connected" && event.mode), ["poll"]);
  },
);

poolerTest(
  "messages, ephemeral messages and presence arrive at polling and listening isolates",
  async (world, { url }) => {
    const polling = [world.start({ url }), world.start({ url })] as const;
    const listening = await world.open();
    const isolates = [...polling, listening];
    await listening.enter("r", entry("early1"));
    const listeners = await Promise.all(isolates.map((isolate) => Listener.open(isolate, "r")));
    for (const [index, isolate] of isolates.entries()) {
      await isolate.publish("r", drafts(`${index}-`, 20));
      await isolate.enter("r", entry(`user${index}1`));
      await isolate.emit("r", ephemeral(`passing ${index}`));
      await isolate.emit("r", ephemeral(`big ${index}`, { data: JSON.stringify("x".repeat(9_000)) }));
      await isolate.emit("r", ephemeral(`passing ${index}`));
    }
    await listening.leave("r", "early1");
    await polling[0].publish("r", [draft("last")]);
    const present = range(0, 2).map((index) => entry(`user${index}1`));
    for (const listener of listeners) {
      await listener.untilOffset(61);
      assertEquals(listener.offsets, range(1, 61));
      await eventually(() => Promise.resolve(listener.ephemerals.length), (count) => count >= 9);
      assertEquals(
        listener.ephemerals.map(({ id }) => id),
        range(0, 2).flatMap((index) => [`passing ${index}`, `big ${index}`, `passing ${index}`]),
      );
      await eventually(() => Promise.resolve(listener.present.length), (count) => count === 3);
      assertEquals(listener.present, present);
      assertEquals(listener.subscription.present, [entry("early1")]);
    }
  },
);

poolerTest("messages that SQL publishes are stored and arrive", async (world, { url }) => {
  const isolate = world.start({ url });
  const listener = await Listener.open(isolate, "rooms/a");
  const { sql } = world.database;
  for (const id of ["m1", "m2"]) {
    await sql`select rooms.publish('rooms/a', 'said', '1', ${id})`;
    await listener.untilId(id);
  }
  assertEquals(listener.ids, ["m1", "m2"]);
});

poolerTest(
  "nothing is lost when the database connections behind the pooler are cut",
  async (world, { url }) => {
    const isolate = world.start({ url });
    const other = await world.open();
    const listener = await Listener.open(isolate, "r");
    await other.publish("r", [draft("1")]);
    await listener.untilOffset(1);
    await world.cut();
    await eventually(
      () => other.publish("r", [draft("2")]).then(() => true, () => false),
      (isStored) => isStored,
    );
    await listener.untilOffset(2);
    assertEquals(listener.ids, ["1", "2"]);
  },
);
