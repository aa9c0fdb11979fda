import { assertEquals } from "@std/assert";
import type { PageRequest } from "../../packages/server/src/backplane/contract.ts";
import { outline, type PageOutline } from "./pages.ts";
import { drafts, range } from "./samples.ts";
import { type Subject, withRetention, worldTest } from "./world.ts";

/** Tests pages in both directions, and `more`. */
export function testHistory(subject: Subject): void {
  /** Asserts pages of a room with ten published messages, of which it retains `retained`. */
  function pagesTest(
    statement: string,
    pages: readonly (readonly [PageRequest, Omit<PageOutline, "head" | "first">])[],
    retained?: number,
  ): void {
    const options = withRetention(retained === undefined ? {} : { messages: retained });
    worldTest(subject, statement, async (world) => {
      await (await world.open()).publish("r", drafts("m", 10));
      const isolate = await world.open();
      for (const [request, expected] of pages) {
        const page = await isolate.history("r", request);
        const first = retained === undefined ? 1 : 10 - retained + 1;
        assertEquals(outline(page), { head: 10, first, ...expected }, JSON.stringify(request));
        assertEquals(page.messages.map(({ id }) => id), expected.offsets.map((offset) => `m${offset}`));
      }
    }, options);
  }

  worldTest(subject, "the history of a room without messages is empty", async (world) => {
    const isolate = await world.open();
    for (
      const request of [{ after: 0, limit: 10 }, { after: 7, limit: 10 }, { before: 1, limit: 10 }, {
        before: 7,
        limit: 10,
      }]
    ) {
      const page = await isolate.history("r", request);
      assertEquals(outline(page), { head: 0, first: 1, offsets: [], more: false });
    }
  });

  worldTest(
    subject,
    "a page after all offsets names the room's position, and reads no message",
    async (world) => {
      const isolate = await world.open();
      await isolate.publish("r", drafts("m", 3));
      const { epoch } = await isolate.subscribe("r", () => {});
      const page = await isolate.history("r", { after: Number.MAX_SAFE_INTEGER, limit: 1 });
      assertEquals([page.epoch, page.head, page.messages], [epoch, 3, []]);
    },
  );

  pagesTest("a page after an offset contains the first messages after it", [
    [{ after: 0, limit: 3 }, { offsets: [1, 2, 3], more: true }],
    [{ after: 3, limit: 3 }, { offsets: [4, 5, 6], more: true }],
    [{ after: 6, limit: 3 }, { offsets: [7, 8, 9], more: true }],
    [{ after: 9, limit: 3 }, { offsets: [10], more: false }],
  ]);

  pagesTest("a page after an offset has no more when it contains the last message", [
    [{ after: 0, limit: 9 }, { offsets: range(1, 9), more: true }],
    [{ after: 0, limit: 10 }, { offsets: range(1, 10), more: false }],
    [{ after: 0, limit: 11 }, { offsets: range(1, 10), more: false }],
    [{ after: 7, limit: 3 }, { offsets: [8, 9, 10], more: false }],
  ]);

  pagesTest("a page after the last offset, or after an unused one, is empty", [
    [{ after: 10, limit: 5 }, { offsets: [], more: false }],
    [{ after: 11, limit: 5 }, { offsets: [], more: false }],
    [{ after: Number.MAX_SAFE_INTEGER, limit: 500 }, { offsets: [], more: false }],
  ]);

  pagesTest("a page before an offset contains the last messages before it, in the order of offsets", [
    [{ before: 11, limit: 4 }, { offsets: [7, 8, 9, 10], more: true }],
    [{ before: 7, limit: 4 }, { offsets: [3, 4, 5, 6], more: true }],
    [{ before: 3, limit: 4 }, { offsets: [1, 2], more: false }],
  ]);

  pagesTest("a page before an offset has no more when it contains the first message", [
    [{ before: 11, limit: 9 }, { offsets: range(2, 10), more: true }],
    [{ before: 11, limit: 10 }, { offsets: range(1, 10), more: false }],
    [{ before: 4, limit: 3 }, { offsets: [1, 2, 3], more: false }],
    [{ before: 4, limit: 2 }, { offsets: [2, 3], more: true }],
  ]);

  pagesTest(
    "a page before the first offset is empty, and before an unused offset it contains the last messages",
    [
      [{ before: 1, limit: 5 }, { offsets: [], more: false }],
      [{ before: 0, limit: 5 }, { offsets: [], more: false }],
      [{ before: 500, limit: 2 }, { offsets: [9, 10], more: true }],
      [{ before: Number.MAX_SAFE_INTEGER, limit: 1 }, { offsets: [10], more: true }],
    ],
  );

  pagesTest("pages start at the oldest retained message, which `first` names", [
    [{ after: 0, limit: 2 }, { offsets: [7, 8], more: true }],
    [{ after: 0, limit: 500 }, { offsets: [7, 8, 9, 10], more: false }],
    [{ after: 5, limit: 1 }, { offsets: [7], more: true }],
    [{ after: 6, limit: 1 }, { offsets: [7], more: true }],
    [{ after: 7, limit: 1 }, { offsets: [8], more: true }],
    [{ before: 11, limit: 500 }, { offsets: [7, 8, 9, 10], more: false }],
    [{ before: 9, limit: 1 }, { offsets: [8], more: true }],
    [{ before: 8, limit: 1 }, { offsets: [7], more: false }],
    [{ before: 7, limit: 1 }, { offsets: [], more: false }],
    [{ before: 3, limit: 1 }, { offsets: [], more: false }],
  ], 4);

  worldTest(subject, "a page since a time contains the first messages that are not older", async (world) => {
    const isolate = await world.open();
    for (const number of range(1, 6)) {
      await isolate.publish("r", drafts(`${number}-`, 1));
      await world.advance(1_000);
    }
    const { messages } = await isolate.history("r", { after: 0, limit: 10 });
    const [first, , third, , , last] = messages.map(({ at }) => at);
    if (first === undefined || third === undefined || last === undefined) throw new Error("six messages");
    const pages: readonly [number, number, number[], boolean][] = [
      [third, 2, [3, 4], true],
      [third, 10, [3, 4, 5, 6], false],
      [third + 1, 1, [4], true],
      [0, 2, [1, 2], true],
      [-5, 1, [1], true],
      [first, 6, range(1, 6), false],
      [last, 1, [6], false],
      [last + 1, 5, [], false],
      [Number.MAX_SAFE_INTEGER, 5, [], false],
    ];
    for (const [since, limit, offsets, more] of pages) {
      const page = await isolate.history("r", { since, limit });
      assertEquals(outline(page), { head: 6, first: 1, offsets, more }, `since ${since}`);
    }
    const unused = await isolate.history("unused", { since: 0, limit: 5 });
    assertEquals(outline(unused), { head: 0, first: 1, offsets: [], more: false });
  });

  worldTest(subject, "a page since a time starts at the oldest retained message", async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", drafts("m", 10));
    const page = await isolate.history("r", { since: 0, limit: 2 });
    assertEquals(outline(page), { head: 10, first: 7, offsets: [7, 8], more: true });
  }, withRetention({ messages: 4 }));

  worldTest(subject, "history contains a message once its publish has resolved", async (world) => {
    const one = await world.open();
    const other = await world.open();
    for (const number of range(1, 10)) {
      await one.publish("r", drafts(`${number}-`, 1));
      const page = await other.history("r", { before: number + 1, limit: 1 });
      assertEquals(outline(page), { head: number, first: 1, offsets: [number], more: number > 1 });
    }
  });
}
