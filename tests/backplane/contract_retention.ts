import { assertEquals } from "@std/assert";
import { Listener } from "./listener.ts";
import { outline } from "./pages.ts";
import { draft, drafts, range } from "./samples.ts";
import { type Subject, withRetention, worldTest } from "./world.ts";

const ALL = { after: 0, limit: 100 } as const;

/** Tests the retention of a room. */
export function testRetention(subject: Subject): void {
  worldTest(subject, "a room retains its last messages up to the maximum number", async (world) => {
    const isolate = await world.open();
    for (const number of range(1, 5)) await isolate.publish("r", [draft(`${number}`)]);
    assertEquals(outline(await isolate.history("r", ALL)), {
      head: 5,
      first: 3,
      offsets: [3, 4, 5],
      more: false,
    });
    await isolate.publish("r", drafts("many", 7));
    assertEquals(outline(await isolate.history("r", ALL)), {
      head: 12,
      first: 10,
      offsets: [10, 11, 12],
      more: false,
    });
  }, withRetention({ messages: 3 }));

  worldTest(subject, "a subscription delivers messages beyond the retention too", async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(await world.open(), "r");
    await isolate.publish("r", drafts("m", 10));
    await listener.untilOffset(10);
    assertEquals(listener.offsets, range(1, 10));
  }, withRetention({ messages: 3 }));

  worldTest(subject, "each room has its own retention", async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", drafts("m", 3));
    await isolate.publish("r2", drafts("m", 10));
    assertEquals(outline(await isolate.history("r", ALL)), {
      head: 3,
      first: 1,
      offsets: [1, 2, 3],
      more: false,
    });
  }, withRetention({ messages: 3 }));

  worldTest(subject, "a room retains messages up to the maximum age", async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", drafts("old", 2));
    await world.advance(40_000);
    await isolate.publish("r", [draft("newer")]);
    assertEquals(outline(await isolate.history("r", ALL)), {
      head: 3,
      first: 1,
      offsets: [1, 2, 3],
      more: false,
    });
    await world.advance(40_000);
    assertEquals(outline(await isolate.history("r", ALL)), { head: 3, first: 3, offsets: [3], more: false });
    await world.advance(40_000);
    assertEquals(outline(await isolate.history("r", ALL)), { head: 3, first: 4, offsets: [], more: false });
  }, withRetention({ ageMs: 60_000 }));

  worldTest(
    subject,
    "a room without retained messages continues its offsets, in the same epoch",
    async (world) => {
      const isolate = await world.open();
      await isolate.publish("r", drafts("m", 2));
      const { epoch } = await isolate.history("r", ALL);
      await world.advance(80_000);
      const listener = await Listener.open(await world.open(), "r");
      assertEquals(listener.subscription.head, 2);
      assertEquals(listener.subscription.epoch, epoch);
      assertEquals(await isolate.publish("r", [draft("marker")]), [{ offset: 3, duplicate: false }]);
      await listener.untilId("marker");
      assertEquals(listener.offsets, [3]);
      const page = await isolate.history("r", { before: 4, limit: 10 });
      assertEquals(outline(page), { head: 3, first: 3, offsets: [3], more: false });
      assertEquals(page.epoch, epoch);
    },
    withRetention({ ageMs: 60_000 }),
  );
}
