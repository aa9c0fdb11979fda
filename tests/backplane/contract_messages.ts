import { assert, assertEquals } from "@std/assert";
import { Listener } from "./listener.ts";
import { exclusionNotice } from "../../packages/server/src/rooms/exclusion_notice.ts";
import { draft, drafts, ephemeral, ODD_NAMES, range } from "./samples.ts";
import { type Subject, worldTest } from "./world.ts";

/** Tests offsets, order and recipients. */
export function testMessages(subject: Subject): void {
  worldTest(subject, "offsets of a room start at 1 and grow by 1", async (world) => {
    const isolate = await world.open();
    assertEquals(await isolate.publish("r", [draft("1")]), [{ offset: 1, duplicate: false }]);
    assertEquals(await isolate.publish("r", drafts("more", 3)), [
      { offset: 2, duplicate: false },
      { offset: 3, duplicate: false },
      { offset: 4, duplicate: false },
    ]);
  });

  worldTest(subject, "a publish without drafts stores nothing", async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(isolate, "r");
    assertEquals(await isolate.publish("r", []), []);
    assertEquals(await isolate.publish("r", [draft("marker")]), [{ offset: 1, duplicate: false }]);
    await listener.untilId("marker");
    assertEquals(listener.ids, ["marker"]);
  });

  worldTest(
    subject,
    "stored messages are delivered to all isolates, including the sender's",
    async (world) => {
      const isolates = [await world.open(), await world.open(), await world.open()] as const;
      const listeners = await Promise.all(isolates.map((isolate) => Listener.open(isolate, "r")));
      const published = [draft("1"), draft("2", { from: { user: "bob", connection: "b1" } })];
      await isolates[0].publish("r", published);
      const { messages } = await isolates[2].history("r", { after: 0, limit: 10 });
      assertEquals(
        messages,
        published.map((one, index) => ({ ...one, offset: index + 1, at: messages[index]?.at ?? NaN })),
      );
      for (const { at } of messages) assert(Number.isSafeInteger(at) && at > 0, `at ${at}`);
      for (const listener of listeners) {
        await listener.untilOffset(2);
        assertEquals(listener.messages, messages);
      }
    },
  );

  worldTest(subject, "a room has one order of offsets across isolates", async (world) => {
    const one = await world.open();
    const other = await world.open();
    const listener = await Listener.open(one, "r");
    for (const number of range(1, 6)) {
      const [stored] = await (number % 2 ? one : other).publish("r", [draft(`${number}`)]);
      assertEquals(stored, { offset: number, duplicate: false });
    }
    await listener.untilOffset(6);
    assertEquals(listener.ids, ["1", "2", "3", "4", "5", "6"]);
  });

  worldTest(
    subject,
    "concurrent calls of one isolate are stored in the order of the calls",
    async (world) => {
      const isolate = await world.open();
      const listener = await Listener.open(await world.open(), "r");
      const batches = range(1, 40).map((number) => drafts(`${number}-`, 1 + number % 3));
      const stored = await Promise.all(batches.map((batch) => isolate.publish("r", batch)));
      const ids = batches.flat().map(({ id }) => id);
      assertEquals(stored.flat().map(({ offset }) => offset), range(1, ids.length));
      await listener.untilOffset(ids.length);
      assertEquals(listener.ids, ids);
    },
  );

  worldTest(
    subject,
    "every subscription sees concurrent publishes in the same order, without gaps",
    async (world) => {
      const isolates = [await world.open(), await world.open(), await world.open()];
      const listeners = await Promise.all(
        [...isolates, ...isolates].map((isolate) => Listener.open(isolate, "r")),
      );
      const stored = await Promise.all(
        range(1, 30).flatMap((number) =>
          isolates.map((isolate, index) =>
            isolate.publish("r", drafts(`${index}-${number}-`, 1 + number % 4))
          )
        ),
      );
      const offsets = stored.flat().map(({ offset }) => offset).sort((a, b) => a - b);
      assertEquals(offsets, range(1, offsets.length));
      const { messages } = await isolates[0]?.history("r", { after: 0, limit: offsets.length }) ?? {};
      for (const listener of listeners) {
        await listener.untilOffset(offsets.length);
        assertEquals(listener.messages, messages);
      }
    },
  );

  worldTest(
    subject,
    "an ephemeral message reaches all isolates, whoever its recipient is, and is not stored",
    async (world) => {
      const one = await world.open();
      const other = await world.open();
      const listeners = [await Listener.open(one, "r"), await Listener.open(other, "r")];
      const sent = [
        ephemeral("all"),
        ephemeral("user", { to: { user: "bob" } }),
        ephemeral("excluded", { exclude: "a1" }),
        ephemeral("keyed", { key: "cursor" }),
        ephemeral("keyed and excluded", { key: "\u0000😀", exclude: "a1", to: { user: "bob" } }),
        ephemeral("excluded too", { exclude: "", to: { user: "alice" }, from: { user: "alice" } }),
        exclusionNotice("alice", "notice", "a1"),
        ephemeral("connection", { to: { connection: "b1" }, from: { user: "no socket" } }),
      ];
      for (const message of sent) await one.emit("r", message);
      for (const listener of listeners) {
        await listener.untilId("connection");
        assertEquals(listener.ephemerals, sent);
      }
      assertEquals((await other.history("r", { after: 0, limit: 10 })).messages, []);
      assertEquals(await other.publish("r", [draft("first")]), [{ offset: 1, duplicate: false }]);
    },
  );

  worldTest(
    subject,
    "a repeated ephemeral message is delivered each time",
    async (world) => {
      const isolate = await world.open();
      const listener = await Listener.open(isolate, "r");
      for (const id of ["same", "same", "marker"]) await isolate.emit("r", ephemeral(id));
      await listener.untilId("marker");
      assertEquals(listener.ids, ["same", "same", "marker"]);
    },
  );

  worldTest(
    subject,
    "durable and ephemeral messages of one caller are delivered in the order of the calls",
    async (world) => {
      const isolate = await world.open();
      const listeners = [await Listener.open(isolate, "r"), await Listener.open(await world.open(), "r")];
      const ids: string[] = [];
      for (const number of range(1, 10)) {
        await isolate.publish("r", drafts(`stored${number}-`, 2));
        await isolate.emit("r", ephemeral(`passing${number}`));
        ids.push(`stored${number}-1`, `stored${number}-2`, `passing${number}`);
      }
      for (const listener of listeners) {
        await listener.untilId("passing10");
        assertEquals(listener.ids, ids);
      }
    },
  );

  worldTest(subject, "rooms are separate, whatever their names are", async (world) => {
    const one = await world.open();
    const other = await world.open();
    const listeners = await Promise.all(ODD_NAMES.map((room) => Listener.open(one, room)));
    for (const [index, room] of ODD_NAMES.entries()) {
      assertEquals(await other.publish(room, [draft(`said ${index}`)]), [{ offset: 1, duplicate: false }]);
      await other.emit(room, ephemeral(`waved ${index}`));
      await other.enter(room, { user: "alice", connection: `a${index}`, state: "{}" });
    }
    for (const [index, listener] of listeners.entries()) {
      await listener.untilChanges(1);
      assertEquals(listener.ids, [`said ${index}`, `waved ${index}`]);
      assertEquals(listener.present.map(({ connection }) => connection), [`a${index}`]);
      const { messages } = await one.history(ODD_NAMES[index] ?? "", { after: 0, limit: 10 });
      assertEquals(messages, listener.messages);
    }
  });
}
