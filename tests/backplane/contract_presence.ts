import { assertEquals } from "@std/assert";
import { Listener, sortEntries } from "./listener.ts";
import { draft, entry, range } from "./samples.ts";
import { type Subject, worldTest } from "./world.ts";

/** Tests presence without lost connections. */
export function testPresence(subject: Subject): void {
  worldTest(subject, "all isolates get joins, updates and departures", async (world) => {
    const isolate = await world.open();
    const listeners = [await Listener.open(isolate, "r"), await Listener.open(await world.open(), "r")];
    await isolate.enter("r", entry("alice1", '{"typing":false}'));
    await isolate.enter("r", entry("alice1", '{"typing":true}'));
    await isolate.leave("r", "alice1");
    for (const listener of listeners) {
      await listener.untilChanges(3);
      assertEquals(listener.changes, [
        { type: "joined", entry: entry("alice1", '{"typing":false}') },
        { type: "updated", entry: entry("alice1", '{"typing":true}') },
        { type: "left", entry: entry("alice1", '{"typing":true}') },
      ]);
    }
  });

  worldTest(subject, "an equal state changes nothing", async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(isolate, "r");
    await isolate.enter("r", entry("alice1", '{"a":1}'));
    await isolate.enter("r", entry("alice1", '{"a":1}'));
    await isolate.enter("r", entry("marker1"));
    await listener.untilJoined("marker1");
    assertEquals(listener.changes.map(({ type }) => type), ["joined", "joined"]);
  });

  worldTest(subject, "leaving without an entry delivers no change", async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(isolate, "r");
    await isolate.leave("r", "alice1");
    await isolate.enter("r", entry("alice1"));
    await isolate.leave("r", "alice1");
    await isolate.leave("r", "alice1");
    await isolate.leave("elsewhere", "alice1");
    await isolate.enter("r", entry("marker1"));
    await listener.untilJoined("marker1");
    assertEquals(listener.changes.map(({ type }) => type), ["joined", "left", "joined"]);
  });

  worldTest(subject, "a connection may enter again after leaving", async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(isolate, "r");
    await isolate.enter("r", entry("alice1"));
    await isolate.leave("r", "alice1");
    await isolate.enter("r", entry("alice1"));
    await listener.untilChanges(3);
    assertEquals(listener.changes.map(({ type }) => type), ["joined", "left", "joined"]);
  });

  worldTest(subject, "each connection of a user has its own entry", async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(isolate, "r");
    await isolate.enter("r", entry("alice1", '{"a":1}'));
    await (await world.open()).enter("r", entry("alice2", '{"a":2}'));
    await isolate.enter("r", entry("alice1", '{"a":3}'));
    await isolate.leave("r", "alice1");
    await listener.untilChanges(4);
    assertEquals(listener.changes, [
      { type: "joined", entry: entry("alice1", '{"a":1}') },
      { type: "joined", entry: entry("alice2", '{"a":2}') },
      { type: "updated", entry: entry("alice1", '{"a":3}') },
      { type: "left", entry: entry("alice1", '{"a":3}') },
    ]);
    assertEquals(await isolate.present("r"), [entry("alice2", '{"a":2}')]);
  });

  worldTest(subject, "presence can be read without a subscription", async (world) => {
    const one = await world.open();
    const other = await world.open();
    assertEquals(await one.present("r"), []);
    await one.enter("r", entry("alice1", '{"a":1}'));
    await other.enter("r", entry("bob1"));
    await one.enter("r", entry("alice1", '{"a":2}'));
    for (const isolate of [one, other]) {
      assertEquals(sortEntries(await isolate.present("r")), [entry("alice1", '{"a":2}'), entry("bob1")]);
    }
    await one.leave("r", "alice1");
    assertEquals(await other.present("r"), [entry("bob1")]);
    assertEquals(await other.present("r2"), []);
  });

  worldTest(
    subject,
    "a subscription starts with the presence list and then delivers changes",
    async (world) => {
      const isolate = await world.open();
      await isolate.enter("r", entry("alice1", '{"a":1}'));
      await isolate.enter("r", entry("bob1"));
      const listener = await Listener.open(await world.open(), "r");
      assertEquals(sortEntries(listener.subscription.present), [entry("alice1", '{"a":1}'), entry("bob1")]);
      await isolate.enter("r", entry("alice1", '{"a":2}'));
      await listener.untilChanges(1);
      assertEquals(listener.changes, [{ type: "updated", entry: entry("alice1", '{"a":2}') }]);
      assertEquals(sortEntries(listener.subscription.present), [entry("alice1", '{"a":1}'), entry("bob1")]);
    },
  );

  worldTest(
    subject,
    "no change is missing or repeated between the presence list and the first delivery",
    async (world) => {
      const isolates = [await world.open(), await world.open()];
      const subscriber = await world.open();
      const moving = isolates.map(async (isolate, index) => {
        for (const number of range(1, 60)) {
          await isolate.enter("r", entry(`user${index}${number % 7}`, `{"n":${number}}`));
          if (number % 3 === 0) await isolate.leave("r", `user${index}${(number + 2) % 7}`);
        }
      });
      const listeners: Listener[] = [];
      for (let count = 0; count < 12; count++) listeners.push(await Listener.open(subscriber, "r"));
      await Promise.all(moving);
      await subscriber.enter("r", entry("marker1"));
      const present = sortEntries(await subscriber.present("r"));
      for (const listener of listeners) {
        await listener.untilJoined("marker1");
        assertEquals(listener.present, present);
      }
    },
  );

  worldTest(
    subject,
    "presence and messages do not affect each other",
    async (world) => {
      const isolate = await world.open();
      await isolate.enter("r", entry("alice1"));
      assertEquals((await isolate.history("r", { after: 0, limit: 1 })).head, 0);
      assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 1, duplicate: false }]);
      await isolate.leave("r", "alice1");
      assertEquals((await isolate.history("r", { after: 0, limit: 1 })).head, 1);
      assertEquals(await isolate.present("r"), []);
    },
  );
}
