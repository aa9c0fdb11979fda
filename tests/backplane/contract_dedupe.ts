import { assertEquals } from "@std/assert";
import { Listener } from "./listener.ts";
import { draft, drafts } from "./samples.ts";
import { type Subject, withRetention, worldTest } from "./world.ts";

/** Tests the dedupe window: a user's repeated id is the same message. */
export function testDedupe(subject: Subject): void {
  worldTest(
    subject,
    "a repeated publish gets the first one's offset and is not delivered again",
    async (world) => {
      const isolate = await world.open();
      const listener = await Listener.open(isolate, "r");
      await isolate.publish("r", drafts("m", 2));
      assertEquals(await isolate.publish("r", [draft("m1")]), [{ offset: 1, duplicate: true }]);
      assertEquals(await isolate.publish("r", [draft("marker")]), [{ offset: 3, duplicate: false }]);
      await listener.untilId("marker");
      assertEquals(listener.ids, ["m1", "m2", "marker"]);
    },
  );

  worldTest(subject, "the first stored message stays, even if the repetition differs", async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", [draft("m", { data: "1" })]);
    const again = draft("m", { data: "2", event: "other", from: { user: "alice", connection: "a2" } });
    assertEquals(await isolate.publish("r", [again]), [{ offset: 1, duplicate: true }]);
    const { messages } = await isolate.history("r", { after: 0, limit: 10 });
    assertEquals(messages.map(({ data, event, from }) => [data, event, from.connection]), [[
      "1",
      "said",
      "a1",
    ]]);
  });

  worldTest(subject, "every isolate recognizes a repetition", async (world) => {
    const one = await world.open();
    const other = await world.open();
    const listeners = [await Listener.open(one, "r"), await Listener.open(other, "r")];
    await one.publish("r", [draft("m")]);
    assertEquals(await other.publish("r", [draft("m")]), [{ offset: 1, duplicate: true }]);
    await other.publish("r", [draft("marker")]);
    for (const listener of listeners) {
      await listener.untilId("marker");
      assertEquals(listener.ids, ["m", "marker"]);
    }
  });

  worldTest(subject, "concurrent repetitions are stored once", async (world) => {
    const isolates = [await world.open(), await world.open(), await world.open()];
    const stored = await Promise.all(
      [...isolates, ...isolates, ...isolates].map((isolate) => isolate.publish("r", [draft("m")])),
    );
    assertEquals(stored.flat().map(({ offset }) => offset), Array(9).fill(1));
    assertEquals(stored.flat().filter(({ duplicate }) => !duplicate).length, 1);
  });

  worldTest(subject, "the same id of two users is two messages", async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", [draft("m")]);
    const bobs = draft("m", { from: { user: "bob", connection: "b1" } });
    assertEquals(await isolate.publish("r", [bobs]), [{ offset: 2, duplicate: false }]);
  });

  worldTest(subject, "the same id in two rooms is two messages", async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", [draft("m")]);
    assertEquals(await isolate.publish("r2", [draft("m")]), [{ offset: 1, duplicate: false }]);
  });

  worldTest(subject, "the same id of a user's two connections is one message", async (world) => {
    const isolate = await world.open();
    const from = (connection: string) => draft("m", { from: { user: "alice", connection } });
    await isolate.publish("r", [from("a1")]);
    assertEquals(await isolate.publish("r", [from("a2")]), [{ offset: 1, duplicate: true }]);
    const withoutSocket = draft("m", { from: { user: "alice" } });
    assertEquals(await isolate.publish("r", [withoutSocket]), [{ offset: 1, duplicate: true }]);
  });

  worldTest(subject, "user and id are compared separately, not concatenated", async (world) => {
    const isolate = await world.open();
    const pairs = [
      ["ab", "c"],
      ["a", "bc"],
      ["a:b", "c"],
      ["a", "b:c"],
      ["1:a", "b"],
      ["1", ":ab"],
      ["", "abc"],
      ["abc", ""],
      ['a","b', "c"],
      ["a", 'b","c'],
      ["a\nb", "c"],
      ["a", "b\nc"],
    ] as const;
    const stored = await isolate.publish("r", pairs.map(([user, id]) => draft(id, { from: { user } })));
    assertEquals(stored.filter(({ duplicate }) => duplicate), []);
  });

  worldTest(subject, "a repetition within one call is recognized", async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(await world.open(), "r");
    assertEquals(await isolate.publish("r", [draft("m"), draft("m"), draft("n"), draft("m")]), [
      { offset: 1, duplicate: false },
      { offset: 1, duplicate: true },
      { offset: 2, duplicate: false },
      { offset: 1, duplicate: true },
    ]);
    await listener.untilOffset(2);
    await isolate.publish("r", [draft("marker")]);
    await listener.untilId("marker");
    assertEquals(listener.ids, ["m", "n", "marker"]);
  });

  worldTest(subject, "a call may mix new and repeated drafts", async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(isolate, "r");
    await isolate.publish("r", drafts("m", 2));
    assertEquals(await isolate.publish("r", [draft("new1"), draft("m2"), draft("new2"), draft("m1")]), [
      { offset: 3, duplicate: false },
      { offset: 2, duplicate: true },
      { offset: 4, duplicate: false },
      { offset: 1, duplicate: true },
    ]);
    await listener.untilOffset(4);
    assertEquals(listener.ids, ["m1", "m2", "new1", "new2"]);
  });

  worldTest(subject, "a repetition is recognized within the window and not after it", async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", [draft("m")]);
    await world.advance(40_000);
    assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 1, duplicate: true }]);
    await world.advance(40_000);
    assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 2, duplicate: false }]);
    assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 2, duplicate: true }]);
  }, withRetention({ dedupeMs: 60_000 }));

  worldTest(subject, "a repetition is recognized after its message was trimmed", async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", [draft("m")]);
    await isolate.publish("r", drafts("more", 3));
    assertEquals((await isolate.history("r", { after: 0, limit: 10 })).first, 3);
    assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 1, duplicate: true }]);
    await world.advance(10_000);
    assertEquals((await isolate.history("r", { after: 0, limit: 10 })).messages, []);
    assertEquals(await isolate.publish("r", [draft("more3")]), [{ offset: 4, duplicate: true }]);
  }, withRetention({ messages: 2, ageMs: 5_000 }));

  worldTest(
    subject,
    "after the window a repeated id is a new message, even if the first one is retained",
    async (world) => {
      const isolate = await world.open();
      await isolate.publish("r", [draft("m")]);
      await world.advance(10_000);
      assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 2, duplicate: false }]);
      const { messages } = await isolate.history("r", { after: 0, limit: 10 });
      assertEquals(messages.map(({ id }) => id), ["m", "m"]);
    },
    withRetention({ dedupeMs: 5_000 }),
  );
}
